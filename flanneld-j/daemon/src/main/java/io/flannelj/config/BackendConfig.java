package io.flannelj.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.IpFamily;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.UdpFeature;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The {@code Backend} object of the network config: one record per type, with flannel's options and defaults. */
public sealed interface BackendConfig {
    /** The {@code Backend.Type} value, lower case. */
    String type();

    /** Whether it cannot carry IPv6. */
    default boolean carries(IpFamily family) {
        return true;
    }

    /** Where tunnel packets arrive on each node of such a network; empty where it has no tunnel of ours. */
    default Optional<TunnelEndpoint> endpoint() {
        return Optional.empty();
    }

    /** The object that this is read from, with every option. */
    default ObjectNode toJson() {
        return JsonNodeFactory.instance.objectNode().put("Type", type());
    }

    /** What the kernel or the network card may do to datagrams, where packets go through our data path. */
    default Set<UdpFeature> udpFeatures() {
        return UdpFeature.ALL;
    }

    /** Whether commands stand in it that the daemon would run. */
    default boolean runsCommands() {
        return false;
    }

    /**
     * The bare IP packet in UDP.
     *
     * @param port UDP port of all nodes
     */
    record Udp(int port, Set<UdpFeature> udpFeatures) implements BackendConfig {
        public static final int DEFAULT_PORT = 8285;

        @Override
        public Optional<TunnelEndpoint> endpoint() {
            return Optional.of(TunnelEndpoint.udp(port));
        }

        @Override
        public String type() {
            return "udp";
        }

        @Override
        public ObjectNode toJson() {
            return with(BackendConfig.super.toJson().put("Port", port), udpFeatures);
        }

        @Override
        public boolean carries(IpFamily family) {
            return family == IpFamily.IPV4;
        }
    }

    /**
     * VXLAN.
     *
     * @param vni 24 bits
     * @param port UDP port of all nodes
     * @param mtuBytes MTU of the underlay; 0 takes that of the uplink
     * @param directRouting plain routes to peers that the uplink reaches without a router
     * @param gbp group policy extension: kernel devices send it, ours accept it
     * @param learning kernel devices learn VTEPs from what they receive
     */
    record Vxlan(
            int vni,
            int port,
            int mtuBytes,
            boolean directRouting,
            boolean gbp,
            boolean learning,
            Datapath datapath,
            Set<UdpFeature> udpFeatures)
            implements BackendConfig {
        public static final int DEFAULT_VNI = 1;

        /** The kernel's default, from before IANA assigned 4789; flannel keeps it. */
        public static final int DEFAULT_PORT = 8472;

        @Override
        public Optional<TunnelEndpoint> endpoint() {
            return Optional.of(TunnelEndpoint.udp(port));
        }

        @Override
        public String type() {
            return "vxlan";
        }

        @Override
        public ObjectNode toJson() {
            return with(
                    BackendConfig.super
                            .toJson()
                            .put("VNI", vni)
                            .put("Port", port)
                            .put("MTU", mtuBytes)
                            .put("DirectRouting", directRouting)
                            .put("GBP", gbp)
                            .put("Learning", learning)
                            .put("Datapath", datapath.name().toLowerCase(Locale.ROOT)),
                    udpFeatures);
        }
    }

    /** Routes through the peers' own addresses. */
    record HostGw() implements BackendConfig {
        @Override
        public String type() {
            return "host-gw";
        }
    }

    /**
     * IP in IP.
     *
     * @param directRouting plain routes to peers that the uplink reaches without a router
     */
    record Ipip(boolean directRouting, Datapath datapath) implements BackendConfig {
        @Override
        public Optional<TunnelEndpoint> endpoint() {
            return Optional.of(TunnelEndpoint.ipInIp());
        }

        @Override
        public String type() {
            return "ipip";
        }

        @Override
        public ObjectNode toJson() {
            return BackendConfig.super
                    .toJson()
                    .put("DirectRouting", directRouting)
                    .put("Datapath", datapath.name().toLowerCase(Locale.ROOT));
        }

        @Override
        public boolean carries(IpFamily family) {
            return family == IpFamily.IPV4;
        }
    }

    /**
     * Geneve.
     *
     * @param vni 24 bits
     * @param port UDP port of all nodes
     * @param mtuBytes MTU of the underlay; 0 takes that of the uplink
     * @param optionRoomBytes what the pods' MTU leaves free for options that others on the way may add
     */
    record Geneve(int vni, int port, int mtuBytes, int optionRoomBytes, Set<UdpFeature> udpFeatures)
            implements BackendConfig {
        /** What IANA assigned. */
        public static final int DEFAULT_PORT = 6081;

        public static final int DEFAULT_OPTION_ROOM_BYTES = 16;

        @Override
        public Optional<TunnelEndpoint> endpoint() {
            return Optional.of(TunnelEndpoint.udp(port));
        }

        @Override
        public String type() {
            return "geneve";
        }

        @Override
        public ObjectNode toJson() {
            return with(
                    BackendConfig.super
                            .toJson()
                            .put("VNI", vni)
                            .put("Port", port)
                            .put("MTU", mtuBytes)
                            .put("OptionRoom", optionRoomBytes),
                    udpFeatures);
        }

        @Override
        public boolean carries(IpFamily family) {
            return family == IpFamily.IPV4;
        }
    }

    /** The operator's own commands; empty texts where there is none. */
    record Extension(String preStartup, String postStartup, String subnetAdd, String subnetRemove)
            implements BackendConfig {
        @Override
        public String type() {
            return "extension";
        }

        @Override
        public ObjectNode toJson() {
            return BackendConfig.super
                    .toJson()
                    .put("PreStartupCommand", preStartup)
                    .put("PostStartupCommand", postStartup)
                    .put("SubnetAddCommand", subnetAdd)
                    .put("SubnetRemoveCommand", subnetRemove);
        }

        @Override
        public boolean runsCommands() {
            return Stream.of(preStartup, postStartup, subnetAdd, subnetRemove).anyMatch(command -> !command.isBlank());
        }
    }

    /** A lease and nothing else. */
    record Alloc() implements BackendConfig {
        @Override
        public String type() {
            return "alloc";
        }
    }

    private static String key(UdpFeature feature) {
        return switch (feature) {
            case SEGMENTATION -> "UDPSegmentation";
            case CHECKSUM -> "UDPChecksums";
        };
    }

    private static Set<UdpFeature> features(JsonFields fields) {
        return UdpFeature.where(feature -> fields.flag(key(feature), true));
    }

    private static ObjectNode with(ObjectNode object, Set<UdpFeature> features) {
        UdpFeature.ALL.forEach(feature -> object.put(key(feature), features.contains(feature)));
        return object;
    }

    /** The types that this version carries. */
    List<String> AVAILABLE = List.of("alloc", "extension", "geneve", "host-gw", "ipip", "udp", "vxlan");

    /** Types that flannel has and this version has not. */
    List<String> KNOWN_ELSEWHERE = List.of("wireguard", "ipsec", "tencent-vpc");

    /** Reads an object that {@link #toJson} made; empty when it has problems. */
    static Optional<BackendConfig> parse(JsonNode backend) {
        Problems none = new Problems("");
        BackendConfig config = read(backend, none);
        return none.isEmpty() ? Optional.of(config) : Optional.empty();
    }

    /** Reads the object; an absent one means udp, as in flannel. */
    static BackendConfig read(@Nullable JsonNode backend, Problems problems) {
        if (backend == null) {
            return new Udp(Udp.DEFAULT_PORT, UdpFeature.ALL);
        }
        if (!backend.isObject()) {
            problems.add("Backend", "must be an object with a Type, was " + backend);
            return new Alloc();
        }
        JsonFields fields = new JsonFields(backend, "Backend.", problems);
        String type = fields.text("Type", "udp").toLowerCase(Locale.ROOT);
        return switch (type) {
            case "udp" -> new Udp(fields.number("Port", Udp.DEFAULT_PORT, 1, 65_535), features(fields));
            case "vxlan" -> vxlan(fields, problems);
            case "host-gw" -> new HostGw();
            case "alloc" -> new Alloc();
            case "ipip" -> new Ipip(fields.flag("DirectRouting", false), datapath(fields, problems, Datapath.AUTO));
            case "geneve" -> geneve(fields, problems);
            case "extension" ->
                new Extension(
                        fields.text("PreStartupCommand", ""),
                        fields.text("PostStartupCommand", ""),
                        fields.text("SubnetAddCommand", ""),
                        fields.text("SubnetRemoveCommand", ""));
            default -> {
                String why = KNOWN_ELSEWHERE.contains(type) ? "is not built into this version" : "is not known";
                problems.add(
                        "Backend.Type", "\"" + type + "\" " + why + "; available: " + String.join(", ", AVAILABLE));
                yield new Alloc();
            }
        };
    }

    private static Geneve geneve(JsonFields fields, Problems problems) {
        int mtu = fields.number("MTU", 0, 0, 65_535);
        problems.unless(mtu == 0 || mtu >= 576, fields.path("MTU"), "must be 0 or at least 576, was " + mtu);
        int room = fields.number("OptionRoom", Geneve.DEFAULT_OPTION_ROOM_BYTES, 0, 252);
        problems.unless(room % 4 == 0, fields.path("OptionRoom"), "must be a multiple of 4, was " + room);
        return new Geneve(
                fields.number("VNI", Vxlan.DEFAULT_VNI, 0, (1 << 24) - 1),
                fields.number("Port", Geneve.DEFAULT_PORT, 1, 65_535),
                mtu,
                room,
                features(fields));
    }

    private static Vxlan vxlan(JsonFields fields, Problems problems) {
        int port = fields.number("Port", 0, 0, 65_535);
        int mtu = fields.number("MTU", 0, 0, 65_535);
        problems.unless(mtu == 0 || mtu >= 576, fields.path("MTU"), "must be 0 or at least 576, was " + mtu);
        return new Vxlan(
                fields.number("VNI", Vxlan.DEFAULT_VNI, 0, (1 << 24) - 1),
                port == 0 ? Vxlan.DEFAULT_PORT : port,
                mtu,
                fields.flag("DirectRouting", false),
                fields.flag("GBP", false),
                fields.flag("Learning", false),
                datapath(fields, problems, Datapath.USERSPACE),
                features(fields));
    }

    private static Datapath datapath(JsonFields fields, Problems problems, Datapath otherwise) {
        String text = fields.text("Datapath", otherwise.name().toLowerCase(Locale.ROOT));
        Optional<Datapath> datapath = Datapath.read(text);
        problems.unless(
                datapath.isPresent(),
                fields.path("Datapath"),
                "must be \"userspace\", \"kernel\" or \"auto\", was \"" + text + "\"");
        return datapath.orElse(otherwise);
    }
}

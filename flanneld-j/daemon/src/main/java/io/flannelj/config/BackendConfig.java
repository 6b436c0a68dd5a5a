package io.flannelj.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The {@code Backend} object of the network config: one record per type, with flannel's options and defaults. */
public sealed interface BackendConfig {
    /** The {@code Backend.Type} value, lower case. */
    String type();

    /**
     * The bare IP packet in UDP.
     *
     * @param port UDP port of all nodes
     */
    record Udp(int port) implements BackendConfig {
        public static final int DEFAULT_PORT = 8285;

        @Override
        public String type() {
            return "udp";
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
            VxlanDatapath datapath)
            implements BackendConfig {
        public static final int DEFAULT_VNI = 1;

        /** The kernel's default, from before IANA assigned 4789; flannel keeps it. */
        public static final int DEFAULT_PORT = 8472;

        @Override
        public String type() {
            return "vxlan";
        }
    }

    /** Routes through the peers' own addresses. */
    record HostGw() implements BackendConfig {
        @Override
        public String type() {
            return "host-gw";
        }
    }

    /** A lease and nothing else. */
    record Alloc() implements BackendConfig {
        @Override
        public String type() {
            return "alloc";
        }
    }

    /** The types that this version carries. */
    List<String> AVAILABLE = List.of("alloc", "host-gw", "udp", "vxlan");

    /** Types that flannel has and this version has not. */
    List<String> KNOWN_ELSEWHERE = List.of("wireguard", "ipip", "ipsec", "extension", "tencent-vpc", "geneve");

    /** Reads the object; an absent one means udp, as in flannel. */
    static BackendConfig read(@Nullable JsonNode backend, Problems problems) {
        if (backend == null) {
            return new Udp(Udp.DEFAULT_PORT);
        }
        if (!backend.isObject()) {
            problems.add("Backend", "must be an object with a Type, was " + backend);
            return new Alloc();
        }
        JsonFields fields = new JsonFields(backend, "Backend.", problems);
        String type = fields.text("Type", "udp").toLowerCase(Locale.ROOT);
        return switch (type) {
            case "udp" -> new Udp(fields.number("Port", Udp.DEFAULT_PORT, 1, 65_535));
            case "vxlan" -> vxlan(fields, problems);
            case "host-gw" -> new HostGw();
            case "alloc" -> new Alloc();
            default -> {
                String why = KNOWN_ELSEWHERE.contains(type) ? "is not built into this version" : "is not known";
                problems.add(
                        "Backend.Type", "\"" + type + "\" " + why + "; available: " + String.join(", ", AVAILABLE));
                yield new Alloc();
            }
        };
    }

    private static Vxlan vxlan(JsonFields fields, Problems problems) {
        String text = fields.text("Datapath", "userspace");
        VxlanDatapath datapath = VxlanDatapath.read(text).orElse(null);
        problems.unless(
                datapath != null,
                fields.path("Datapath"),
                "must be \"userspace\", \"kernel\" or \"auto\", was \"" + text + "\"");
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
                datapath == null ? VxlanDatapath.USERSPACE : datapath);
    }
}

package io.flannelj.lease.kube;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.Node;
import io.flannelj.config.AnnotationPrefix;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Leases as flannel writes them onto nodes: the subnets are the pod CIDRs, the attributes are annotations. */
final class NodeCodec {
    private static final int LONGEST_ANNOTATION = 16 << 10;
    private static final String NO_DATA = "null"; // what Go makes of an empty raw message

    private final String managed;
    private final String type;
    private final Map<IpFamily, Keys> keys;

    /** The annotations of one family. */
    private record Keys(String data, String publicIp, String overwrite, String nodePublicIp) {}

    NodeCodec(AnnotationPrefix prefix) {
        managed = prefix.key("kube-subnet-manager");
        type = prefix.key("backend-type");
        keys = Map.of(
                IpFamily.IPV4,
                new Keys(
                        prefix.key("backend-data"),
                        prefix.key("public-ip"),
                        prefix.key("public-ip-overwrite"),
                        prefix.key("node-public-ip")),
                IpFamily.IPV6,
                new Keys(
                        prefix.key("backend-v6-data"),
                        prefix.key("public-ipv6"),
                        prefix.key("public-ipv6-overwrite"),
                        prefix.key("node-public-ipv6")));
    }

    private Keys keys(IpFamily family) {
        return Objects.requireNonNull(keys.get(family));
    }

    /** A node that cannot be read as a lease; the message says why. */
    static final class NoLeaseException extends Exception {
        private static final long serialVersionUID = 1;

        NoLeaseException(String message) {
            super(message);
        }
    }

    /**
     * The node's pod CIDRs in the families of the network; its others are not looked at.
     *
     * @return empty when it has none of them
     * @throws NoLeaseException when they cannot be understood
     */
    static Optional<PodSubnets> podSubnets(Node node, Set<IpFamily> families) throws NoLeaseException {
        List<String> several =
                node.getSpec() == null ? List.of() : node.getSpec().getPodCIDRs();
        String one = node.getSpec() == null ? null : node.getSpec().getPodCIDR();
        List<String> texts = !several.isEmpty() ? several : one == null || one.isEmpty() ? List.of() : List.of(one);
        List<Cidr> cidrs = new ArrayList<>();
        for (String text : texts) {
            cidrs.add(Cidr.tryParse(text)
                    .orElseThrow(() -> new NoLeaseException("its pod CIDR \"" + text + "\" is no network"))
                    .network());
        }
        try {
            PerFamily<Cidr> subnets = PerFamily.by(Cidr::family, cidrs).only(families);
            return subnets.isEmpty() ? Optional.empty() : Optional.of(new PodSubnets(subnets));
        } catch (IllegalArgumentException e) {
            throw new NoLeaseException("it has several pod CIDRs of one family: " + texts);
        }
    }

    String managedKey() {
        return managed;
    }

    /** Whether the node takes part in the overlay. */
    boolean isManaged(Node node) {
        return "true".equals(annotations(node).get(managed));
    }

    /**
     * Reads a node that takes part in the overlay.
     *
     * @throws NoLeaseException saying what is wrong with it
     */
    Lease lease(Node node, Set<IpFamily> families) throws NoLeaseException {
        PodSubnets subnets = podSubnets(node, families)
                .orElseThrow(() -> new NoLeaseException("it has no pod CIDR of the network's families"));
        Map<String, String> annotations = annotations(node);
        for (String key : lengthChecked()) {
            if (annotations.getOrDefault(key, "").length() > LONGEST_ANNOTATION) {
                throw new NoLeaseException("its annotation " + key + " has more than the " + LONGEST_ANNOTATION
                        + " characters that a lease may have");
            }
        }
        LeaseAttributes attributes = attributes(annotations);
        if (attributes.publicIps().only(subnets.families()).isEmpty()) {
            IpFamily first = subnets.families().iterator().next();
            throw new NoLeaseException("its annotation " + keys(first).publicIp() + " is not an address");
        }
        return new Lease(subnets, attributes, null, new Lease.Origin(nameOf(node), createdSeconds(node)));
    }

    private List<String> lengthChecked() {
        return Stream.concat(
                        Stream.of(type), keys.values().stream().flatMap(own -> Stream.of(own.data(), own.publicIp())))
                .toList();
    }

    /** Human-readable. */
    static String nameOf(Node node) {
        return "node " + node.getMetadata().getName();
    }

    private static long createdSeconds(Node node) {
        String created = node.getMetadata().getCreationTimestamp();
        try {
            return created == null ? 0 : Instant.parse(created).getEpochSecond();
        } catch (DateTimeParseException e) {
            return 0;
        }
    }

    private LeaseAttributes attributes(Map<String, String> annotations) throws NoLeaseException {
        Map<IpFamily, JsonNode> data = new EnumMap<>(IpFamily.class);
        for (IpFamily family : IpFamily.values()) {
            data(keys(family).data(), annotations).ifPresent(present -> data.put(family, present));
        }
        return new LeaseAttributes(
                addresses(annotations, Keys::publicIp),
                Objects.requireNonNullElse(annotations.get(type), ""),
                new PerFamily<>(data));
    }

    private PerFamily<IpAddress> addresses(Map<String, String> annotations, Function<Keys, String> key) {
        return PerFamily.of(family -> address(annotations.get(key.apply(keys(family))), family));
    }

    /** What the node tells of itself and of its previous run. */
    NodeNotes notes(Node node) {
        Map<String, String> annotations = annotations(node);
        return new NodeNotes(
                addresses(annotations, Keys::nodePublicIp),
                addresses(annotations, Keys::overwrite),
                earlier(annotations));
    }

    private @Nullable LeaseAttributes earlier(Map<String, String> annotations) {
        try {
            return annotations.containsKey(type) ? attributes(annotations) : null;
        } catch (NoLeaseException e) {
            return null; // what cannot be read is written anew
        }
    }

    /** The attributes as peers shall see them: an operator's overwrite on the node counts more than what we found. */
    LeaseAttributes overwritten(LeaseAttributes ours, Node node) {
        PerFamily<IpAddress> overwrites = addresses(annotations(node), Keys::overwrite);
        return new LeaseAttributes(
                PerFamily.of(family -> overwrites
                        .get(family)
                        .filter(address ->
                                family == IpFamily.IPV4 || ours.publicIps().has(family))
                        .or(() -> ours.publicIps().get(family))),
                ours.backendType(),
                ours.backendData());
    }

    /**
     * The annotations that say this, as flannel's: a family that the backend does not serve is left out, by rules that
     * differ between backends (flannel pkg/subnet/kube/kube.go, AcquireLease).
     */
    Map<String, String> annotations(LeaseAttributes attributes) {
        Map<String, String> annotations = new LinkedHashMap<>();
        String backend = attributes.backendType();
        PerFamily<IpAddress> publicIps = attributes.publicIps();
        annotations.put(type, backend);
        if (!backend.equals("vxlan") || attributes.backendData().has(IpFamily.IPV4)) {
            put(annotations, IpFamily.IPV4, publicIps.get(IpFamily.IPV4).orElse(IpAddress.ANY_V4), attributes);
        }
        boolean servesIpv6 = switch (backend) {
            case "vxlan", "wireguard" -> attributes.backendData().has(IpFamily.IPV6);
            case "host-gw", "extension" -> true;
            default -> false;
        };
        if (servesIpv6) {
            publicIps.get(IpFamily.IPV6).ifPresent(address -> put(annotations, IpFamily.IPV6, address, attributes));
        }
        annotations.put(managed, "true");
        return annotations;
    }

    private void put(Map<String, String> annotations, IpFamily family, IpAddress publicIp, LeaseAttributes attributes) {
        annotations.put(
                keys(family).data(),
                attributes.backendData().get(family).map(JsonNode::toString).orElse(NO_DATA));
        annotations.put(keys(family).publicIp(), publicIp.toString());
    }

    /** The annotations of these attributes that the node does not have. */
    Map<String, String> missing(LeaseAttributes attributes, Node node) {
        Map<String, String> there = annotations(node);
        Map<String, String> missing = new LinkedHashMap<>();
        annotations(attributes).forEach((key, value) -> {
            if (!value.equals(there.get(key))) {
                missing.put(key, value);
            }
        });
        return missing;
    }

    private static Map<String, String> annotations(Node node) {
        Map<String, String> there = node.getMetadata().getAnnotations();
        return there == null ? Map.of() : there;
    }

    private static Optional<JsonNode> data(String key, Map<String, String> annotations) throws NoLeaseException {
        String text = annotations.get(key);
        if (text == null || text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return LeaseJson.readBackendData(text);
        } catch (IllegalArgumentException e) {
            throw new NoLeaseException("its annotation " + key + " is not JSON that a backend writes");
        }
    }

    private static Optional<IpAddress> address(@Nullable String text, IpFamily family) {
        if (text == null) {
            return Optional.empty();
        }
        try {
            IpAddress address = IpAddress.parse(text);
            return address.family() == family && !address.isUnspecified() ? Optional.of(address) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}

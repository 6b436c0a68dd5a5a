package io.flannelj.lease.kube;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Node;
import io.flannelj.config.AnnotationPrefix;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Leases as flannel writes them onto nodes: the subnets are the pod CIDRs, the attributes are annotations. */
final class NodeCodec {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LONGEST_ANNOTATION = 16 << 10;
    private static final String NO_DATA = "null"; // what Go makes of an empty raw message

    private final String managed;
    private final String type;
    private final Family ipv4;
    private final Family ipv6;

    /** The annotations of one family. */
    private record Family(String data, String publicIp, String overwrite, String nodePublicIp) {}

    NodeCodec(AnnotationPrefix prefix) {
        managed = prefix.key("kube-subnet-manager");
        type = prefix.key("backend-type");
        ipv4 = new Family(
                prefix.key("backend-data"),
                prefix.key("public-ip"),
                prefix.key("public-ip-overwrite"),
                prefix.key("node-public-ip"));
        ipv6 = new Family(
                prefix.key("backend-v6-data"),
                prefix.key("public-ipv6"),
                prefix.key("public-ipv6-overwrite"),
                prefix.key("node-public-ipv6"));
    }

    /** A node that cannot be read as a lease; the message says why. */
    static final class NoLeaseException extends Exception {
        private static final long serialVersionUID = 1;

        NoLeaseException(String message) {
            super(message);
        }
    }

    /** Which families the network has; a node's others are not looked at. */
    record Families(boolean ipv4, boolean ipv6) {}

    /**
     * The node's pod CIDRs in the families of the network.
     *
     * @return empty when it has none of them
     * @throws NoLeaseException when they cannot be understood
     */
    static Optional<PodSubnets> podSubnets(Node node, Families families) throws NoLeaseException {
        List<String> several =
                node.getSpec() == null ? List.of() : node.getSpec().getPodCIDRs();
        String one = node.getSpec() == null ? null : node.getSpec().getPodCIDR();
        List<String> texts = !several.isEmpty() ? several : one == null || one.isEmpty() ? List.of() : List.of(one);
        Cidr ipv4 = null;
        Cidr ipv6 = null;
        for (String text : texts) {
            Cidr cidr = Cidr.tryParse(text)
                    .orElseThrow(() -> new NoLeaseException("its pod CIDR \"" + text + "\" is no network"))
                    .network();
            if (cidr.isIpv4() ? ipv4 != null : ipv6 != null) {
                throw new NoLeaseException("it has several pod CIDRs of one family: " + texts);
            }
            ipv4 = cidr.isIpv4() ? cidr : ipv4;
            ipv6 = cidr.isIpv6() ? cidr : ipv6;
        }
        ipv4 = families.ipv4() ? ipv4 : null;
        ipv6 = families.ipv6() ? ipv6 : null;
        return ipv4 == null && ipv6 == null ? Optional.empty() : Optional.of(new PodSubnets(ipv4, ipv6));
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
    Lease lease(Node node, Families families) throws NoLeaseException {
        PodSubnets subnets = podSubnets(node, families)
                .orElseThrow(() -> new NoLeaseException("it has no pod CIDR of the network's families"));
        Map<String, String> annotations = annotations(node);
        for (String key : List.of(type, ipv4.data(), ipv6.data(), ipv4.publicIp(), ipv6.publicIp())) {
            if (annotations.getOrDefault(key, "").length() > LONGEST_ANNOTATION) {
                throw new NoLeaseException("its annotation " + key + " has more than the " + LONGEST_ANNOTATION
                        + " characters that a lease may have");
            }
        }
        LeaseAttributes attributes = attributes(annotations);
        if ((subnets.ipv4() != null && attributes.publicIpv4() == null)
                && (subnets.ipv6() == null || attributes.publicIpv6() == null)) {
            throw new NoLeaseException("its annotation " + ipv4.publicIp() + " is not an address");
        }
        if (subnets.ipv4() == null && attributes.publicIpv6() == null) {
            throw new NoLeaseException("its annotation " + ipv6.publicIp() + " is not an address");
        }
        return new Lease(subnets, attributes, null, new Lease.Origin(nameOf(node), createdSeconds(node)));
    }

    /** For people. */
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
        return new LeaseAttributes(
                address(annotations.get(ipv4.publicIp()), true),
                address(annotations.get(ipv6.publicIp()), false),
                Objects.requireNonNullElse(annotations.get(type), ""),
                data(ipv4.data(), annotations),
                data(ipv6.data(), annotations));
    }

    /** What the node tells of itself and of its earlier life. */
    NodeNotes notes(Node node) {
        Map<String, String> annotations = annotations(node);
        return new NodeNotes(
                address(annotations.get(ipv4.nodePublicIp()), true),
                address(annotations.get(ipv6.nodePublicIp()), false),
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
        Map<String, String> annotations = annotations(node);
        IpAddress publicIpv4 = address(annotations.get(ipv4.overwrite()), true);
        IpAddress publicIpv6 = address(annotations.get(ipv6.overwrite()), false);
        return new LeaseAttributes(
                publicIpv4 == null ? ours.publicIpv4() : publicIpv4,
                publicIpv6 == null || ours.publicIpv6() == null ? ours.publicIpv6() : publicIpv6,
                ours.backendType(),
                ours.backendData(),
                ours.backendV6Data());
    }

    /**
     * The annotations that say this, as flannel's: a family that the backend does not serve is left out, by rules that
     * differ between backends (flannel pkg/subnet/kube/kube.go, AcquireLease).
     */
    Map<String, String> annotations(LeaseAttributes attributes) {
        Map<String, String> annotations = new LinkedHashMap<>();
        String backend = attributes.backendType();
        String data = text(attributes.backendData());
        String v6Data = text(attributes.backendV6Data());
        IpAddress publicIpv4 = attributes.publicIpv4();
        IpAddress publicIpv6 = attributes.publicIpv6();
        annotations.put(type, backend);
        if (!backend.equals("vxlan") || !data.equals(NO_DATA)) {
            annotations.put(ipv4.data(), data);
            annotations.put(ipv4.publicIp(), String.valueOf(publicIpv4 == null ? IpAddress.ANY_V4 : publicIpv4));
        }
        boolean servesIpv6 = switch (backend) {
            case "vxlan", "wireguard" -> !v6Data.equals(NO_DATA);
            case "host-gw", "extension" -> true;
            default -> false;
        };
        if (servesIpv6 && publicIpv6 != null) {
            annotations.put(ipv6.data(), v6Data);
            annotations.put(ipv6.publicIp(), publicIpv6.toString());
        }
        annotations.put(managed, "true");
        return annotations;
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

    private static String text(@Nullable JsonNode data) {
        return data == null ? NO_DATA : data.toString();
    }

    private static @Nullable JsonNode data(String key, Map<String, String> annotations) throws NoLeaseException {
        String text = annotations.get(key);
        if (text == null || text.isEmpty()) {
            return null;
        }
        try {
            return LeaseJson.backendData(JSON.readTree(text));
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new NoLeaseException("its annotation " + key + " is not JSON that a backend writes");
        }
    }

    private static @Nullable IpAddress address(@Nullable String text, boolean wantIpv4) {
        if (text == null) {
            return null;
        }
        try {
            IpAddress address = IpAddress.parse(text);
            return address.isIpv4() != wantIpv4 || address.isUnspecified() ? null : address;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}

package io.flannelj.lease;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The encapsulations that a lease speaks of. A node that speaks one writes what flannel writes. One that speaks several adds
 * them to {@code BackendData}, where flannel does not look:
 * {@code {"VNI":1,"VtepMAC":"…","Decodes":{"udp":{},"vxlan":{"VNI":1,"VtepMAC":"…"}}}}.
 *
 * @param preferred the {@code Backend.Type} of the lease
 * @param decodes what the node takes, by type; each as a lease of that type alone would have it
 */
public record Announcement(String preferred, Map<String, LeaseAttributes> decodes) {
    static final String DECODES = "Decodes";
    private static final String UNTYPED = "udp"; // flannel's udp writes no type

    public static Announcement of(LeaseAttributes lease) {
        String preferred = lease.backendType().isEmpty() ? UNTYPED : lease.backendType();
        Map<String, LeaseAttributes> decodes = new LinkedHashMap<>();
        decodes.put(preferred, lease);
        if (saysMore(lease)) {
            lease.backendData()
                    .require(IpFamily.IPV4)
                    .get(DECODES)
                    .properties()
                    .forEach(entry -> decodes.put(entry.getKey(), as(entry.getKey(), lease, entry.getValue())));
        }
        return new Announcement(preferred, decodes);
    }

    /** Whether a node is one that can go over to another encapsulation while it runs. */
    public static boolean saysMore(LeaseAttributes lease) {
        return lease.backendData()
                .get(IpFamily.IPV4)
                .map(data -> data.path(DECODES).isObject())
                .orElse(false);
    }

    private static LeaseAttributes as(String type, LeaseAttributes lease, JsonNode data) {
        return new LeaseAttributes(
                lease.publicIps(),
                type.equals(UNTYPED) ? "" : type,
                data.isEmpty() ? PerFamily.none() : PerFamily.of(IpFamily.IPV4, data));
    }

    /** What goes into the lease. */
    public LeaseAttributes toAttributes() {
        LeaseAttributes main = decodes.get(preferred);
        if (main == null) {
            throw new IllegalStateException(preferred + " is preferred but not among " + decodes.keySet());
        }
        if (decodes.size() == 1) {
            return main;
        }
        ObjectNode data = object(main);
        ObjectNode all = data.putObject(DECODES);
        decodes.forEach((type, attributes) -> all.set(type, object(attributes)));
        return new LeaseAttributes(
                main.publicIps(),
                main.backendType(),
                PerFamily.<JsonNode>of(IpFamily.IPV4, data).orElse(main.backendData()));
    }

    private static ObjectNode object(LeaseAttributes attributes) {
        return attributes.backendData().get(IpFamily.IPV4).orElse(null) instanceof ObjectNode object
                ? object.deepCopy()
                : JsonNodeFactory.instance.objectNode();
    }
}

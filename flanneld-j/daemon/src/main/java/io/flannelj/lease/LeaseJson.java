package io.flannelj.lease;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** flannel's lease values: compact JSON, in the order and with the omissions of its Go structure. */
public final class LeaseJson {
    /** Lower than Jackson's bound, under which {@link LeaseCache} must write it inside another document. */
    private static final int MAX_DEPTH = 100;

    private static final ObjectMapper JSON = nestedUpTo(MAX_DEPTH);

    /** For data that stands alone, and so must fit into a value. */
    private static final ObjectMapper DATA_JSON = nestedUpTo(MAX_DEPTH - 1);

    private LeaseJson() {}

    private static ObjectMapper nestedUpTo(int depth) {
        return new ObjectMapper(JsonFactory.builder()
                .streamReadConstraints(
                        StreamReadConstraints.builder().maxNestingDepth(depth).build())
                .build());
    }

    public static String format(LeaseAttributes attributes) {
        ObjectNode node = JSON.createObjectNode();
        PerFamily<String> publicIps = attributes.publicIps().map(IpAddress::toString);
        node.put(publicIp(IpFamily.IPV4), publicIps.get(IpFamily.IPV4).orElse(IpAddress.ANY_V4.toString()));
        node.put(publicIp(IpFamily.IPV6), publicIps.get(IpFamily.IPV6).orElse(null));
        if (!attributes.backendType().isEmpty()) {
            node.put("BackendType", attributes.backendType());
        }
        attributes.backendData().byFamily().forEach((family, data) -> node.set(backendData(family), data));
        return node.toString();
    }

    /** The field of the address that peers send to. */
    static String publicIp(IpFamily family) {
        return family == IpFamily.IPV4 ? "PublicIP" : "PublicIPv6";
    }

    /** The field of what the backend's peers need to know. */
    static String backendData(IpFamily family) {
        return family == IpFamily.IPV4 ? "BackendData" : "BackendV6Data";
    }

    /** Reads a value; empty when it is none of ours. */
    public static Optional<LeaseAttributes> parse(String value) {
        try {
            return Optional.of(read(value));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * Reads a value, field names without regard to case as Go does.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    public static LeaseAttributes read(String value) {
        JsonNode node;
        try {
            node = JSON.readTree(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON", e);
        }
        if (node == null || !node.isObject()) {
            throw new IllegalArgumentException("not a JSON object");
        }
        Map<String, JsonNode> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        node.properties().forEach(field -> fields.put(field.getKey(), field.getValue()));
        return new LeaseAttributes(
                PerFamily.of(family -> address(fields, publicIp(family))),
                text(fields, "BackendType"),
                PerFamily.of(family -> backendData(fields.get(backendData(family)))));
    }

    /**
     * Reads what a backend says of itself where it stands alone: an object, the text of {@code extension}, or nothing.
     *
     * @throws IllegalArgumentException when it is anything else
     */
    public static Optional<JsonNode> readBackendData(String text) {
        try {
            return backendData(DATA_JSON.readTree(text));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON", e);
        }
    }

    /** The same within a value. */
    private static Optional<JsonNode> backendData(@Nullable JsonNode node) {
        if (node == null || node.isNull() || node.isMissingNode()) {
            return Optional.empty();
        }
        JsonNode decodes = node.path(Announcement.DECODES);
        boolean wellFormed = (node.isObject() || node.isTextual())
                && (decodes.isMissingNode() || decodes.isObject())
                && decodes.properties().stream().allMatch(one -> one.getValue().isObject());
        if (!wellFormed) {
            throw new IllegalArgumentException("no data of a backend");
        }
        requireFinite(node);
        return Optional.of(node);
    }

    /** A number beyond what a double holds would be written as a text. */
    private static void requireFinite(JsonNode node) {
        if (node.isDouble() && !Double.isFinite(node.doubleValue())) {
            throw new IllegalArgumentException("a number is out of range");
        }
        node.forEach(LeaseJson::requireFinite);
    }

    /** A text; empty where there is none. What is there and no text is refused, as Go refuses it. */
    private static String text(Map<String, JsonNode> fields, String name) {
        JsonNode node = fields.get(name);
        if (node == null || node.isNull()) {
            return "";
        }
        if (!node.isTextual()) {
            throw new IllegalArgumentException(name + " is no text");
        }
        return node.textValue();
    }

    private static Optional<IpAddress> address(Map<String, JsonNode> fields, String name) {
        String text = text(fields, name);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        IpAddress address;
        try {
            address = IpAddress.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + " is no IP address", e);
        }
        return address.isUnspecified() ? Optional.empty() : Optional.of(address);
    }
}

package io.flannelj.cni.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads fields of one configuration, and gathers every problem, so that all are told at once. */
final class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();

    private final List<String> problems = new ArrayList<>();
    private final List<String> notBuilt = new ArrayList<>();

    /** The object that {@code text} must be. */
    static ObjectNode object(String text, String what) throws CniException {
        try {
            if (MAPPER.readTree(text) instanceof ObjectNode object) {
                return object;
            }
        } catch (JsonProcessingException e) {
            throw new CniException(CniException.NOT_JSON, what + " is not JSON: " + e.getOriginalMessage(), e);
        }
        throw new CniException(CniException.NOT_JSON, what + " must be a JSON object");
    }

    /** The field as an object of its own; empty when it is absent or something else. */
    static ObjectNode copy(JsonNode parent, String field) {
        return parent.path(field) instanceof ObjectNode object ? object.deepCopy() : MAPPER.createObjectNode();
    }

    void unless(boolean good, String field, String message) {
        if (!good) {
            problems.add(field + " " + message);
        }
    }

    /** Names a feature that this version does not have. */
    void notBuilt(String field, JsonNode value) {
        notBuilt.add(field + " " + value);
    }

    boolean flag(JsonNode parent, String field) {
        JsonNode value = parent.path(field);
        unless(
                value.isMissingNode() || value.isNull() || value.isBoolean(),
                field,
                "must be true or false, was " + value);
        return value.asBoolean(false);
    }

    int number(JsonNode parent, String field, int greatest) {
        JsonNode value = parent.path(field);
        boolean absent = value.isMissingNode() || value.isNull();
        int number = value.asInt(0);
        unless(
                absent || value.isInt() && number >= 0 && number <= greatest,
                field,
                "must be 0 to " + greatest + ", was " + value);
        return number;
    }

    Path path(JsonNode parent, String field, String otherwise) {
        String text = parent.path(field).asText("");
        try {
            return Path.of(text.isEmpty() ? otherwise : text);
        } catch (InvalidPathException e) {
            problems.add(field + " is not a path: " + e.getMessage());
            return Path.of(otherwise);
        }
    }

    @Nullable
    IpAddress address(JsonNode parent, String field) {
        JsonNode value = parent.path(field);
        return value.isMissingNode() || value.isNull() ? null : address(field, value.asText());
    }

    /** An address, which may stand with a prefix length. */
    @Nullable
    IpAddress address(String field, String text) {
        try {
            return IpAddress.parse(text.indexOf('/') < 0 ? text : text.substring(0, text.indexOf('/')));
        } catch (IllegalArgumentException e) {
            problems.add(field + " must be an IP address, was \"" + text + "\"");
            return null;
        }
    }

    @Nullable
    Cidr cidr(String field, String text) {
        Cidr cidr = Cidr.tryParse(text).orElse(null);
        unless(cidr != null, field, "must be a network such as 10.5.1.0/24, was \"" + text + "\"");
        return cidr;
    }

    void throwIfAny() throws CniException {
        if (!problems.isEmpty()) {
            throw new CniException(CniException.BAD_CONFIG, String.join("; ", problems));
        }
        if (!notBuilt.isEmpty()) {
            throw new CniException(
                    CniException.UNSUPPORTED_FIELD,
                    "not built into this version: " + String.join(", ", notBuilt) + "; leave it away");
        }
    }
}

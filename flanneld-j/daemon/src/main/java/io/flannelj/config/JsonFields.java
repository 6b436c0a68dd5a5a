package io.flannelj.config;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a JSON object, by names without regard to case, as Go reads them. What has the wrong type is a problem
 * under its path and counts as absent. Unknown fields are ignored, as flannel ignores them.
 */
final class JsonFields {
    private final Map<String, JsonNode> fields = new HashMap<>();
    private final String prefix;
    private final Problems problems;

    JsonFields(JsonNode object, String prefix, Problems problems) {
        this.prefix = prefix;
        this.problems = problems;
        object.properties().forEach(field -> fields.put(field.getKey().toLowerCase(Locale.ROOT), field.getValue()));
    }

    /** Why a text is no JSON, and where, without the words that are for those who program. */
    static String whatIsWrong(JsonProcessingException e) {
        JsonLocation at = e.getLocation();
        String place = at == null ? "" : "line " + at.getLineNr() + ", column " + at.getColumnNr() + ": ";
        return e instanceof JsonEOFException
                ? place + "it ends before its last bracket is closed"
                : place + String.valueOf(e.getOriginalMessage()).replaceAll(" \\(code \\d+\\)|(?s) ?\\[Source.*", "");
    }

    String path(String name) {
        return prefix + name;
    }

    @Nullable
    JsonNode get(String name) {
        JsonNode value = fields.get(name.toLowerCase(Locale.ROOT));
        return value == null || value.isNull() ? null : value;
    }

    String text(String name, String otherwise) {
        JsonNode value = get(name);
        if (value == null) {
            return otherwise;
        }
        if (!value.isTextual()) {
            problems.add(path(name), "must be a string, was " + value);
            return otherwise;
        }
        return value.textValue();
    }

    boolean flag(String name, boolean otherwise) {
        JsonNode value = get(name);
        if (value == null) {
            return otherwise;
        }
        if (!value.isBoolean()) {
            problems.add(path(name), "must be true or false, was " + value);
            return otherwise;
        }
        return value.booleanValue();
    }

    int number(String name, int otherwise, int least, int most) {
        JsonNode value = get(name);
        if (value == null) {
            return otherwise;
        }
        if (!value.isIntegralNumber()) {
            problems.add(path(name), "must be a whole number, was " + value);
            return otherwise;
        }
        if (!value.canConvertToInt() || value.intValue() < least || value.intValue() > most) {
            problems.add(path(name), "must be " + least + " to " + most + ", was " + value);
            return otherwise;
        }
        return value.intValue();
    }

    @Nullable
    Cidr network(String name, IpFamily family) {
        String text = text(name, "");
        if (text.isEmpty()) {
            return null;
        }
        Cidr cidr = Cidr.tryParse(text).orElse(null);
        if (cidr == null || cidr.family() != family) {
            problems.add(path(name), "must be an " + family + " CIDR, was \"" + text + "\"");
            return null;
        }
        return cidr.network();
    }

    @Nullable
    IpAddress address(String name, IpFamily family) {
        String text = text(name, "");
        if (text.isEmpty()) {
            return null;
        }
        try {
            IpAddress address = IpAddress.parse(text);
            if (address.family() == family) {
                return address.isUnspecified() ? null : address;
            }
        } catch (IllegalArgumentException e) {
            // said below, the same way as for the wrong family
        }
        problems.add(path(name), "must be an " + family + " address, was \"" + text + "\"");
        return null;
    }
}

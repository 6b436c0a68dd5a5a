package io.flannelj.cni;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One call of the plugin, as the specification (CNI 1.1, section 2) passes it: environment and standard input.
 *
 * @param variables the CNI_ environment variables that are set
 * @param stdin the network configuration, JSON; not parsed yet
 * @param netnsFile where CNI_NETNS can be opened by this process; empty when that is CNI_NETNS itself
 */
public record Invocation(Map<String, String> variables, String stdin, String netnsFile) {
    /** The variables that the specification and the reference implementation know. */
    public static final List<String> VARIABLES = List.of(
            "CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH", "CNI_NETNS_OVERRIDE");

    public Invocation {
        variables = Map.copyOf(variables);
    }

    public Invocation(Map<String, String> variables, String stdin) {
        this(variables, stdin, "");
    }

    /** A variable's value; empty when it is not set. */
    public String variable(String name) {
        return variables.getOrDefault(name, "");
    }

    /** The same call, for a process that reaches the namespace at another place, e.g. as an open descriptor. */
    public Invocation withNetnsFile(String file) {
        return new Invocation(variables, stdin, file);
    }

    /**
     * The call as bytes: an environment block as the kernel keeps it ({@code NAME=value}, each ended by NUL), one more NUL,
     * and standard input. No value can hold a NUL, so nothing needs an escape.
     */
    public byte[] encode() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (String name : VARIABLES) {
            if (variables.containsKey(name)) {
                append(out, name + "=" + variable(name));
                out.write(0);
            }
        }
        out.write(0);
        append(out, stdin);
        return out.toByteArray();
    }

    /**
     * What {@link #encode} made.
     *
     * @throws IllegalArgumentException when the bytes are something else
     */
    public static Invocation decode(byte[] bytes) {
        Map<String, String> variables = new HashMap<>();
        int at = 0;
        while (true) {
            int end = at;
            while (end < bytes.length && bytes[end] != 0) {
                end++;
            }
            if (end == bytes.length) {
                throw new IllegalArgumentException("a CNI call's environment block does not end");
            }
            String entry = new String(bytes, at, end - at, StandardCharsets.UTF_8);
            at = end + 1;
            if (entry.isEmpty()) {
                return new Invocation(variables, new String(bytes, at, bytes.length - at, StandardCharsets.UTF_8));
            }
            int equals = entry.indexOf('=');
            String name = equals < 0 ? entry : entry.substring(0, equals);
            if (!VARIABLES.contains(name) || equals < 0) {
                throw new IllegalArgumentException("a CNI call has no variable " + name);
            }
            variables.put(name, entry.substring(equals + 1));
        }
    }

    private static void append(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.write(bytes, 0, bytes.length);
    }
}

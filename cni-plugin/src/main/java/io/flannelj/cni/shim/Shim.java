package io.flannelj.cni.shim;

import io.flannelj.cni.Invocation;
import io.flannelj.cni.TimeLimits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Hands a call to the daemon, which is warm, and has it carried out in a process of its own when no daemon answers.
 *
 * <p>The call goes over the socket beside the control socket ({@link #cniSocket}), as {@link Frames} says. It names the pod's
 * namespace by device and inode, and brings its descriptor where the host can hand it over, for a daemon that does not find the
 * same namespace at the path.
 */
public final class Shim {
    /** How long the daemon may say nothing. */
    public static final int PATIENCE_SECONDS = TimeLimits.CALL_SECONDS;

    public static final String DEFAULT_SOCKET = "/run/flannel-j/flanneld-j.sock";
    private static final String ABOUT = "flannel-j CNI plugin, specification 0.3.0 to 1.1.0";
    private static final String NEWEST = "1.1.0";
    private static final String SUPPORTED = "[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]";
    private static final int TRY_AGAIN_LATER = 11;
    private static final int IO = 5;
    private static final int INTERNAL = 999;

    private final Host host;
    private String stdin = "";

    public Shim(Host host) {
        this.host = host;
    }

    /** Answers one call; never throws. Gives the exit status. */
    public int run() {
        try {
            String command = host.variable("CNI_COMMAND");
            if (command == null || command.isEmpty()) {
                host.log(ABOUT);
                return 0;
            }
            stdin = new String(host.readInput(), StandardCharsets.UTF_8);
            if (command.equals("VERSION")) {
                host.print("{\"cniVersion\":\"" + version(stdin) + "\",\"supportedVersions\":" + SUPPORTED + "}\n");
                return 0;
            }
            return call(command);
        } catch (IOException e) {
            return fail(IO, String.valueOf(e.getMessage()));
        } catch (RuntimeException | Error e) { // the runtime must be told in its own language, whatever happened
            return fail(INTERNAL, "the plugin failed: " + e);
        }
    }

    private int call(String command) {
        Map<String, String> variables = new HashMap<>();
        for (String name : Invocation.VARIABLES) {
            String value = host.variable(name);
            if (value != null) {
                variables.put(name, value);
            }
        }
        Invocation invocation = new Invocation(variables, stdin);
        String socket = field(stdin, "controlSocket", DEFAULT_SOCKET);
        Host.Connection daemon;
        try {
            daemon = host.connect(cniSocket(socket));
        } catch (IOException e) {
            return host.carryOut(invocation, "no flanneld-j answers at " + socket + ": " + e.getMessage());
        }
        try {
            Integer status = ask(daemon, invocation);
            return status == null
                    ? host.carryOut(invocation, "the flanneld-j at " + socket + " does not see CNI_NETNS")
                    : status;
        } catch (IOException e) {
            String why = "the flanneld-j at " + socket + " did not finish: " + e.getMessage();
            // Half an ADD may be done: the runtime takes it back by DEL and tries again. The others can be repeated.
            return command.equals("ADD") ? fail(TRY_AGAIN_LATER, why) : host.carryOut(invocation, why);
        } finally {
            daemon.close();
        }
    }

    /** Where the daemon takes calls that listens at this control socket. */
    public static String cniSocket(String controlSocket) {
        return controlSocket + ".cni";
    }

    /** The exit status; null when the daemon cannot reach the namespace. */
    private @Nullable Integer ask(Host.Connection daemon, Invocation invocation) throws IOException {
        String path = invocation.variable("CNI_NETNS");
        boolean found = !path.isEmpty() && host.findNetns(path);
        daemon.send(Frames.call(invocation, found ? host.netnsIdentity() : ""));
        Answer answer = Answer.read(daemon);
        return switch (answer.outcome()) {
            case DONE -> answered(answer.text().isEmpty() ? "" : answer.text() + "\n", 0);
            case FAILED -> answered(answer.text() + "\n", 1);
            case UNSEEN -> null;
            case REFUSED -> throw new IOException(answer.text());
        };
    }

    private Integer answered(String text, int status) {
        host.print(text);
        return status;
    }

    /**
     * A JSON string field of the outermost object whose value needs no escapes; anything else is {@code otherwise}. What stands
     * deeper belongs to another program: a result of another plugin, arguments of a pod.
     */
    static String field(String json, String name, String otherwise) {
        String found = otherwise;
        int depth = 0;
        int at = 0;
        while (at < json.length()) {
            char c = json.charAt(at);
            if (c == '"') {
                int end = endOfText(json, at);
                int colon = skipBlanks(json, end + 1);
                boolean isKey = depth == 1 && colon < json.length() && json.charAt(colon) == ':';
                if (isKey && json.substring(at + 1, end).equals(name)) {
                    found = text(json, skipBlanks(json, colon + 1), otherwise);
                }
                at = end;
            } else if (c == '{' || c == '[') {
                depth++;
            } else if (c == '}' || c == ']') {
                depth--;
            }
            at++;
        }
        return found;
    }

    private static String text(String json, int at, String otherwise) {
        if (at >= json.length() || json.charAt(at) != '"') {
            return otherwise;
        }
        int end = endOfText(json, at);
        if (end == json.length() || end == at + 1) {
            return otherwise;
        }
        String text = json.substring(at + 1, end);
        return text.indexOf('\\') >= 0 ? otherwise : text;
    }

    /** The closing quote of the text that begins there; the end of everything, where there is none. */
    private static int endOfText(String json, int from) {
        int at = from + 1;
        while (at < json.length() && json.charAt(at) != '"') {
            at += json.charAt(at) == '\\' ? 2 : 1;
        }
        return Math.min(at, json.length());
    }

    private static int skipBlanks(String json, int from) {
        int at = from;
        while (at < json.length() && json.charAt(at) <= ' ') {
            at++;
        }
        return at;
    }

    private int fail(int code, String message) {
        host.print(error(stdin, code, message) + "\n");
        return 1;
    }

    /** The version that the runtime speaks; the newest, where it says none or nonsense. */
    private static String version(String stdin) {
        String version = field(stdin, "cniVersion", NEWEST);
        for (int i = 0; i < version.length(); i++) {
            char c = version.charAt(i);
            if (c != '.' && (c < '0' || c > '9')) {
                return NEWEST;
            }
        }
        return version;
    }

    /** A CNI error in the version that the network configuration speaks. */
    public static String error(String stdin, int code, String message) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < message.length(); i++) {
            char c = message.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\');
            }
            text.append(c < ' ' || c == 127 ? ' ' : c);
        }
        return "{\"cniVersion\":\"" + version(stdin) + "\",\"code\":" + code + ",\"msg\":\"" + text + "\"}";
    }
}

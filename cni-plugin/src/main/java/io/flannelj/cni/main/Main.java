package io.flannelj.cni.main;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.engine.CniEngine;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The CNI plugin's process: hands the call to the daemon, which is warm; carries it out itself when no daemon answers.
 *
 * <p>The common path loads neither JSON nor native libraries; {@link CniEngine} does, and is touched only when needed.
 */
public final class Main {
    private static final String ABOUT = "flannel-j CNI plugin, specification 0.3.0 to 1.1.0";
    private static final String DEFAULT_SOCKET = "/run/flannel-j/flanneld-j.sock";
    private static final String VERSION =
            "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}";

    /** Enough JSON for one field whose value needs no escapes; anything else falls back to the default. */
    private static final Pattern CONTROL_SOCKET = Pattern.compile("\"controlSocket\"\\s*:\\s*\"([^\"\\\\]+)\"");

    private static final int TRY_AGAIN_LATER = 11;
    private static final int INTERNAL = 999;

    private Main() {}

    public static void main(String[] arguments) throws IOException {
        // The platform's default encoding is not ours to trust.
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        Map<String, String> variables = new TreeMap<>();
        System.getenv().forEach((name, value) -> {
            if (name.startsWith("CNI_")) {
                variables.put(name, value);
            }
        });
        String command = variables.getOrDefault("CNI_COMMAND", "");
        if (command.isEmpty()) {
            System.err.println(ABOUT);
            return;
        }
        if (command.equals("VERSION")) {
            out.println(VERSION);
            return;
        }
        String stdin = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        CniAnswer answer = carryOut(new Invocation(variables, stdin));
        if (!answer.stdout().isEmpty()) {
            out.println(answer.stdout());
        }
        System.exit(answer.success() ? 0 : 1);
    }

    private static CniAnswer carryOut(Invocation invocation) {
        try {
            Optional<CniAnswer> answer = new ControlSocketClient(socket(invocation.stdin())).call(invocation);
            return answer.isPresent() ? answer.get() : new CniEngine().handle(invocation);
        } catch (IOException e) {
            return error(TRY_AGAIN_LATER, String.valueOf(e.getMessage()));
        } catch (RuntimeException | LinkageError e) {
            e.printStackTrace(); // on standard error, where the specification wants logs
            return error(INTERNAL, "the plugin failed: " + e);
        }
    }

    private static Path socket(String stdin) {
        Matcher matcher = CONTROL_SOCKET.matcher(stdin);
        return Path.of(matcher.find() ? matcher.group(1) : DEFAULT_SOCKET);
    }

    private static CniAnswer error(int code, String message) {
        String escaped = message.replaceAll("[\\p{Cntrl}\"\\\\]", " ");
        return new CniAnswer(false, "{\"cniVersion\":\"1.1.0\",\"code\":" + code + ",\"msg\":\"" + escaped + "\"}");
    }
}

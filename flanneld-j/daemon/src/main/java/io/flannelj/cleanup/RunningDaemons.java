package io.flannelj.cleanup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Daemons, ours and flannel's, that run in this network namespace: what they made is in use. */
public final class RunningDaemons {
    private static final Path PROC = Path.of("/proc");
    private static final String MAIN = "io.flannelj.main.Main";

    private RunningDaemons() {}

    /** A line for each, with its process id; processes of other PID namespaces are not seen. */
    public static List<String> find() throws IOException {
        Path own = Files.readSymbolicLink(PROC.resolve("self/ns/net"));
        List<String> found = new ArrayList<>();
        try (Stream<Path> processes = Files.list(PROC)) {
            for (Path process : processes
                    .filter(path -> path.getFileName().toString().matches("\\d+"))
                    .toList()) {
                String kind = kind(process, own);
                if (!kind.isEmpty()) {
                    found.add(kind + ", process " + process.getFileName());
                }
            }
        }
        return found;
    }

    private static String kind(Path process, Path namespace) {
        try {
            if (!Files.readSymbolicLink(process.resolve("ns/net")).equals(namespace)) {
                return "";
            }
            return kind(List.of(Files.readString(process.resolve("cmdline")).split("\0")));
        } catch (IOException e) {
            return ""; // it has ended meanwhile
        }
    }

    /** What a command line is the daemon of: {@code flanneld-j}, {@code flanneld}, or nothing. */
    static String kind(List<String> commandLine) {
        int main = commandLine.indexOf(MAIN);
        if (main >= 0) {
            boolean operatorsCommand =
                    main + 1 < commandLine.size() && !commandLine.get(main + 1).startsWith("-");
            return operatorsCommand ? "" : "flanneld-j";
        }
        return Path.of(commandLine.get(0)).endsWith("flanneld") ? "flanneld" : "";
    }
}

package io.flannelj.explain;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's own word on packets that it dropped meanwhile: the tracepoint skb:kfree_skb with its reason (Linux 5.17 and newer), in
 * a tracefs instance of our own, so that nobody else's tracing is touched. Silent where there is no tracefs.
 *
 * <p>The kernel tells of every drop of the machine, and not whose packet it was: so what is found is shown beside a packet that got
 * lost, and never judged by.
 */
final class KernelDrops implements AutoCloseable {
    private static final Path ROOT = Path.of("/sys/kernel/tracing");
    private static final Pattern DROP = Pattern.compile("location=([^ +]+)\\S* reason: (\\w+)");
    private static final String FILTER = "protocol == 0x0800 || protocol == 0x86dd";
    private static final int MOST_BYTES = 1 << 18;

    /** Reasons with which the kernel ends packets that have arrived, or says nothing. */
    private static final Set<String> SAY_NOTHING = Set.of(
            "NOT_SPECIFIED",
            "SOCKET_CLOSE",
            "TCP_OLD_ACK",
            "TCP_OLD_DATA",
            "TCP_OFOMERGE",
            "TCP_RESET",
            "TCP_CLOSE",
            "QUEUE_PURGE",
            "SOCKET_FILTER",
            "OTHERHOST",
            "UNIX_DISCONNECT",
            "UNIX_SKIP_OOB");

    private final @Nullable Path instance;

    private KernelDrops(@Nullable Path instance) {
        this.instance = instance;
    }

    /** Begins to listen; to nothing where that cannot be. */
    static KernelDrops listen() {
        Path made =
                ROOT.resolve("instances/flanneld-j-" + ProcessHandle.current().pid());
        try {
            Files.createDirectory(made);
        } catch (IOException e) {
            return new KernelDrops(null);
        }
        KernelDrops drops = new KernelDrops(made);
        try {
            Path event = made.resolve("events/skb/kfree_skb");
            Files.writeString(event.resolve("filter"), FILTER);
            Files.writeString(event.resolve("enable"), "1");
            return drops;
        } catch (IOException e) {
            drops.close();
            return new KernelDrops(null);
        }
    }

    /** What was dropped since, by reason and place, the most frequent first; empty when nothing was, or nobody tells. */
    String sinceThen() {
        Path made = instance;
        if (made == null) {
            return "";
        }
        try {
            Files.writeString(made.resolve("tracing_on"), "0");
            return summary(read(made.resolve("trace")));
        } catch (IOException e) {
            return "";
        }
    }

    private static String read(Path trace) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(trace.toFile(), "r")) {
            byte[] bytes = new byte[MOST_BYTES];
            int length = 0;
            for (int read = 0; read >= 0 && length < MOST_BYTES; read = file.read(bytes, length, MOST_BYTES - length)) {
                length += read;
            }
            return new String(bytes, 0, length, StandardCharsets.UTF_8);
        }
    }

    static String summary(String trace) {
        Map<String, Integer> counts = new TreeMap<>();
        Matcher matcher = DROP.matcher(trace);
        while (matcher.find()) {
            if (!SAY_NOTHING.contains(matcher.group(2))) {
                counts.merge(matcher.group(2) + " in " + matcher.group(1), 1, Integer::sum);
            }
        }
        return counts.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .limit(3)
                .map(entry -> entry.getKey() + " (" + entry.getValue() + ")")
                .collect(Collectors.joining(", "));
    }

    /** The instance never stays behind. */
    @Override
    public void close() {
        Path made = instance;
        if (made != null) {
            try {
                Files.deleteIfExists(made); // rmdir(2) is how the kernel is told
            } catch (IOException e) {
                return; // it is in use by somebody who looks into it; it records nothing any more
            }
        }
    }
}

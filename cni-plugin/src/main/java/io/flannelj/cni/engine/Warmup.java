package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.linux.ThreadPriority;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Runs ADD and DEL over and over for a pod that nobody sees, on a node that nobody sees: two empty network namespaces and a
 * folder of files. Java runs what it runs for the first times many times slower than what it has compiled, and the first
 * pods after a start of the daemon would wait for it.
 */
public final class Warmup {
    private static final String IF_NAME = "eth0";
    private static final String BRIDGE = "warmup";

    /** The kernel logs six lines for each port that a bridge gets and loses; so nothing is plugged in here. */
    private final CniEngine engine = new CniEngine(() -> "in warmup", (bridge, port, bridgeLink, alias) -> {});

    private final Path directory;

    /** @param directory a folder for it alone: what is in it is deleted before and after */
    public Warmup(Path directory) {
        this.directory = directory;
    }

    /**
     * Runs at low priority until the time is over.
     *
     * @param goOn asked before every round
     * @return rounds
     * @throws IOException when this host does not allow it; nothing is left of it
     */
    public int run(Duration time, BooleanSupplier goOn) throws IOException {
        clear();
        try {
            Files.createDirectories(directory);
            Path subnetFile = Files.writeString(
                    directory.resolve("subnet.env"),
                    "FLANNEL_NETWORK=10.0.0.0/8\nFLANNEL_SUBNET=10.0.0.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n");
            ObjectNode conf = Json.MAPPER
                    .createObjectNode()
                    .put("cniVersion", "1.0.0")
                    .put("name", "warmup")
                    .put("type", "flannel-j")
                    .put("subnetFile", subnetFile.toString())
                    .put("dataDir", directory.resolve("state").toString());
            conf.putObject("delegate").put("bridge", BRIDGE);
            conf.putObject("ipam").put("dataDir", directory.resolve("addresses").toString());
            try (Netns pod = NetnsThread.callInNew(Netns::current)) {
                return NetnsThread.callInNew(() -> {
                    ThreadPriority.lower();
                    return run(conf.toString(), pod, System.nanoTime() + time.toNanos(), goOn);
                });
            }
        } finally {
            clear();
        }
    }

    private int run(String conf, Netns pod, long end, BooleanSupplier goOn) throws IOException {
        int rounds = 0;
        while (System.nanoTime() - end < 0 && goOn.getAsBoolean()) {
            for (String command : List.of("ADD", "DEL")) {
                Map<String, String> variables = Map.of(
                        "CNI_COMMAND",
                        command,
                        "CNI_CONTAINERID",
                        "warmup" + rounds,
                        "CNI_NETNS",
                        "/proc/self/fd/" + pod.fd(),
                        "CNI_IFNAME",
                        IF_NAME);
                CniAnswer answer = engine.handle(Invocation.decode(new Invocation(variables, conf).encode()));
                if (!answer.success()) {
                    throw new IOException(command + ": " + answer.stdout());
                }
            }
            rounds++;
        }
        return rounds;
    }

    private void clear() throws IOException {
        if (Files.exists(directory)) {
            try (Stream<Path> all = Files.walk(directory)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(path);
                }
            }
        }
    }
}

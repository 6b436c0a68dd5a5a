package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.bench.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;

/** The real flannel, where {@code FLANNELD_BIN} or the cache of built peers has it. */
final class StockFlannel {
    private StockFlannel() {}

    /** The program; empty where there is none. */
    static Optional<Path> binary() {
        String named = System.getenv("FLANNELD_BIN");
        Path path = named != null ? Path.of(named) : Peers.program("flanneld");
        return Files.isExecutable(path) ? Optional.of(path) : Optional.empty();
    }

    /** Runs it on a node in our daemon's place, and waits until it has written its subnet file. */
    static Process start(Lab lab, Node node, String... moreFlags) {
        List<String> command = new ArrayList<>(List.of(
                binary().orElseThrow().toString(),
                "--etcd-endpoints",
                lab.etcd().url(),
                "--subnet-file",
                node.subnetFile().toString(),
                "--iface",
                "eth0",
                "--ip-masq"));
        command.addAll(List.of(moreFlags));
        Process flannel = node.startProgram(command.toArray(String[]::new));
        Awaitility.await("flannel's subnet file")
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(
                        () -> assertThat(node.subnetFile()).content().contains("FLANNEL_IPMASQ=")); // its last line
        return flannel;
    }
}

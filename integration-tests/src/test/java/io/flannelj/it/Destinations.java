package io.flannelj.it;

import io.flannelj.lab.Node;
import java.time.Duration;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/** What the kernel of a node sends where, but for what it learns or makes by itself. */
final class Destinations {
    private static final Duration SOON = Duration.ofSeconds(30);

    private Destinations() {}

    /** Routes, and permanent neighbours and FDB entries, as text. */
    static String of(Node node) {
        Awaitility.await()
                .atMost(SOON)
                .until(() -> !node.run("ip", "-6", "addr").output().contains("tentative"));
        return node.run("ip", "-4", "route", "show", "table", "all").output()
                + node.run("ip", "-6", "route", "show", "table", "all").output()
                + node.run("bridge", "fdb", "show")
                        .output()
                        .lines()
                        .filter(line -> line.contains("permanent"))
                        .collect(Collectors.joining("\n", "", "\n"))
                + node.run("ip", "neigh", "show", "nud", "permanent").output();
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * No false alarm: {@code flanneld-j explain} of a healthy way says so each time, while pods send as much as they can and the
 * processors have more to do than they can, from both nodes at once. {@code -Dflannelj.explainRuns=500} tries at length.
 */
@NeedsPrivileges
@LongRun
class ExplainUnderLoadIT {
    private static final int RUNS = Integer.getInteger("flannelj.explainRuns", 20);
    private static final int BUSY = 2;

    @Test
    void aHealthyWayUnderLoadIsCalledHealthy() {
        try (ExplainedCluster cluster = ExplainedCluster.open("vxlan", Lab.Underlay.WIRE)) {
            Node node = cluster.node(1);
            cluster.node(2).startIn(cluster.there(), "iperf3", "-s");
            node.startIn(
                    cluster.here(),
                    "sh",
                    "-c",
                    "sleep 1; exec iperf3 -c " + cluster.there().address() + " -t 7200 -P 2 --bidir");
            for (int i = 0; i < BUSY; i++) {
                node.startProgram("sh", "-c", "while :; do :; done");
            }
            long before = packets(node);
            List<String> alarms = new ArrayList<>();
            List<Duration> took = new ArrayList<>();
            for (int run = 0; run < RUNS; run += cluster.lab().nodes().size()) {
                for (ExplainedCluster.Said said : cluster.explainFromBoth()) {
                    took.add(said.took());
                    if (said.exitStatus() != 0) {
                        alarms.add("run " + run + ": " + said);
                    }
                }
            }
            Collections.sort(took);
            System.out.println("explain of a healthy way under load: " + took.size() + " runs, half of them within "
                    + took.get(took.size() / 2).toMillis() + " ms, all within "
                    + took.get(took.size() - 1).toMillis() + " ms");
            assertThat(alarms).as("false alarms in %d runs", RUNS).isEmpty();
            assertThat(packets(node) - before).as("packets of the load").isGreaterThan(1000);
        }
    }

    private static long packets(Node node) {
        return node.peers().path(0).path("packetsOut").asLong();
    }
}

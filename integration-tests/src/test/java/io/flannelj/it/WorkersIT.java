package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import org.junit.jupiter.api.Test;

/** Several workers, each with a queue and a socket: nothing is lost or damaged, and every packet is still counted once. */
@NeedsPrivileges
class WorkersIT {
    @Test
    void flowsSpreadOverWorkersArriveWhole() {
        try (Lab lab = Lab.open(2, Lab.Underlay.ON)) {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
            for (Node node : lab.nodes()) {
                node.start("--workers=2", "--pin-workers");
            }
            lab.nodes().forEach(node -> node.awaitPeers(1));
            Pod here = lab.node(1).addPod();
            Pod there = lab.node(2).addPod();

            for (int i = 0; i < 4; i++) { // each with ports of its own, so that both workers get some
                assertThat(Transfer.tcp(here, there, 20)).as("TCP %d", i).isTrue();
                assertThat(Transfer.udp(here, there, 4000)).as("UDP %d", i).isTrue();
            }

            Node node = lab.node(1);
            assertThat(node.run("ls", "/sys/class/net/flannel.1/queues").output())
                    .contains("tx-1");
            assertThat(node.run("ss", "-ulnH", "sport", "=", ":8472").output().lines())
                    .hasSize(2);
            assertThat(node.log()).doesNotContain("WARN");
        }
    }
}

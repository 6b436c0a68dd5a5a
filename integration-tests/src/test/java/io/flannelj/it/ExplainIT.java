package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Node;
import org.junit.jupiter.api.Test;

/** {@code flanneld-j explain} of a way on which nothing is broken, and who may ask. */
@NeedsPrivileges
class ExplainIT extends ExplainCases {
    private static final int HEALTHY_RUNS = LongRun.IN_CI ? 20 : 3;

    @Test
    void aHealthyWaySaysSo() {
        ExplainedCluster cluster = cluster();
        for (int run = 0; run < HEALTHY_RUNS; run++) {
            assertThat(cluster.explainFromBoth())
                    .allSatisfy(said ->
                            assertThat(said.exitStatus()).as(said.toString()).isZero());
        }
        Node node = cluster.node(1);
        Commands.Result byName = node.operator(
                "explain", cluster.here().containerId(), cluster.there().containerId());
        assertThat(byName.output()).contains("no link is broken").endsWith("no link is broken\n");
        assertThat(byName.exitStatus()).isZero();
        Commands.Result own =
                node.operator("explain", node.address(), cluster.there().address());
        assertThat(own.exitStatus()).as(own.output() + own.errors()).isZero();
    }

    @Test
    void wrongQuestionsAreRefused() {
        Node node = cluster().node(1);
        String there = cluster().there().address();
        Commands.Result unknown = node.operator("explain", "nobody", there);
        assertThat(unknown.exitStatus()).isEqualTo(1);
        assertThat(unknown.errors()).contains("nobody is no address, and no pod");
        assertThat(node.operator("explain", cluster().here().address(), there, "--proto", "udp")
                        .exitStatus())
                .isEqualTo(2);
    }

    @Test
    void onlyNodesAreAnswered() {
        ExplainedCluster cluster = cluster();
        String subnet = ExplainedCluster.network(cluster.there().address());
        String query = "import socket; s=socket.socket(); s.setsockopt(0,2,255); s.settimeout(1); s.connect(('" + subnet
                + "',8470))";
        cluster.lab().routeFromSwitch(subnet + "/24", cluster.node(1)); // which masquerades what comes that way
        assertThat(cluster.here().run("python3", "-c", query).succeeded())
                .as("a pod of another node")
                .isFalse();
        assertThat(cluster.there().run("python3", "-c", query).succeeded())
                .as("a pod of the node")
                .isFalse();
        assertThat(cluster.lab().runOnSwitch("python3", "-c", query).succeeded())
                .as("a stranger")
                .isFalse();
        assertThat(cluster.node(1).run("python3", "-c", query).succeeded())
                .as("the other node")
                .isTrue();
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** The real flannel with both families, on one etcd with us. */
@NeedsPrivileges
class FlannelDualStackIT {
    @Test
    void flannelsNodeIsAPeerOverBothFamilies() {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel; build it by integration-tests/peers");
        try (Lab lab = Lab.open(3, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","
                        + "\"Backend\":{\"Type\":\"vxlan\"}}")) {
            Node theirs = lab.node(3);
            StockFlannel.start(lab, theirs);
            lab.node(1).start();
            lab.node(2).start("--vxlan-datapath", "kernel");
            lab.node(1).awaitPeers(2);
            lab.node(2).awaitPeers(2);

            Pod stranger = theirs.addPod().addIpv6ByHand("docker0");
            for (int number : new int[] {1, 2}) {
                Pod ours = lab.node(number).addPod().addIpv6ByHand("docker0");
                // flannel programs its peers one after the other
                Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> stranger.canPing(ours.ipv6Address()));
                assertThat(ours.canPing(stranger)).as("IPv4, node %d", number).isTrue();
                assertThat(stranger.canPing(ours)).as("IPv4 back").isTrue();
                assertThat(ours.canPing(stranger.ipv6Address())).as("IPv6").isTrue();
                assertThat(Transfer.tcp(ours, stranger, stranger.ipv6Address(), 20))
                        .as("TCP over IPv6, both ways")
                        .isTrue();
                assertThat(Transfer.udp(stranger, ours, ours.ipv6Address(), 20_000))
                        .as("fragments")
                        .isTrue();
            }
        }
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.it.AttackedCluster.Attack;
import io.flannelj.it.AttackedCluster.Carrier;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What {@link TunnelGuardIT} tries of us, tried of real flannel: the column of docs/security.md that is flannel's. */
@NeedsPrivileges
class FlannelAttackIT {
    private static final Duration SOON = Duration.ofSeconds(60);

    @Test
    void flannelsVxlanHoldsNone() {
        assertThat(held(Carrier.VXLAN, "vxlan")).isEmpty();
    }

    /** Its socket is bound to the node's address on the underlay, which those do not name. */
    @Test
    void flannelsUdpHoldsTwo() {
        assertThat(held(Carrier.UDP, "udp"))
                .containsExactly(
                        "pod sends through the tunnel", "pod writes another node's address, to its bridge's broadcast");
    }

    @Test
    void flannelsHostGwHoldsNone() {
        assertThat(held(Carrier.NONE, "host-gw")).isEmpty();
    }

    /** What of all that is tried does not reach its victim. */
    private static List<String> held(Carrier carrier, String backend) {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: set FLANNELD_BIN, or run integration-tests/peers");
        String config = "{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}";
        try (AttackedCluster cluster = AttackedCluster.open(carrier, config, FlannelAttackIT::startFlannel)) {
            Awaitility.await("flannel carries")
                    .atMost(SOON)
                    .until(() -> cluster.here.canPing(cluster.there) && cluster.third.canPing(cluster.there));
            Map<String, Attack> attacks = new LinkedHashMap<>(cluster.plain());
            if (carrier == Carrier.NONE) {
                attacks.put("peer forges another node's pod", cluster.peerForgesAPod());
            } else {
                attacks.putAll(cluster.onTheTunnel());
            }
            attacks.values().removeIf(cluster::reaches);
            return List.copyOf(attacks.keySet());
        }
    }

    private static void startFlannel(Lab lab) {
        for (Node node : lab.nodes()) {
            StockFlannel.start(lab, node);
        }
    }
}

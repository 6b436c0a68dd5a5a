package io.flannelj.backend;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.flannelj.backend.Migration.Way;
import io.flannelj.backend.udp.UdpProvider;
import io.flannelj.backend.vxlan.VxlanProvider;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.TunnelSettings;
import io.flannelj.lease.Announcement;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.net.UdpFeature;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationTest {
    private static final TunnelSettings SETTINGS = new TunnelSettings("/dev/net/tun", Duration.ZERO, 1, false, true);
    private static final Uplink UPLINK =
            new Uplink("eth0", 2, 1500, PerFamily.of(IpFamily.IPV4, IpAddress.parse("192.168.0.1")));

    private static final PeerView UDP_ONLY = peer(2, "udp");
    private static final PeerView VXLAN_ONLY = peer(3, "vxlan");
    private static final PeerView BOTH = peer(4, "vxlan", "udp");
    private static final PeerView NEITHER = peer(5, "geneve");

    @TempDir
    private Path state;

    private Map<String, TunnelSpec> open;

    @BeforeEach
    void open() throws Exception {
        Prepared vxlan = new VxlanProvider(SETTINGS, state, null, () -> null).prepare(config("vxlan"), UPLINK);
        open = Map.of("udp", new UdpProvider(SETTINGS).prepare(config("udp"), UPLINK), "vxlan", (TunnelSpec) vxlan);
    }

    private static NetworkConfig config(String type) throws Exception {
        return NetworkConfig.parse("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + type + "\"}}");
    }

    /** A node that takes these encapsulations; with one alone it is as a node of flannel's. */
    private static PeerView peer(int number, String... types) {
        Map<String, LeaseAttributes> decodes = new LinkedHashMap<>();
        for (String type : types) {
            decodes.put(
                    type,
                    LeaseAttributes.ofIpv4(
                            IpAddress.parse("192.168.0." + number),
                            LeaseAttributes.typeOf(type),
                            type.equals("udp")
                                    ? null
                                    : JsonNodeFactory.instance
                                            .objectNode()
                                            .put("VNI", 1)
                                            .put("VtepMAC", "02:00:00:00:00:0" + number)));
        }
        return PeerView.of(new Lease(
                PodSubnets.of(Cidr.parse("10.5." + number + ".0/24")),
                new Announcement(types[0], decodes).toAttributes(),
                null));
    }

    private Migration migration(String primary, Set<String> unheard, PeerView... peers) {
        return new Migration(primary, open, unheard, List.of(peers));
    }

    @Test
    void aPeerIsSentToByTheConfigsTunnelOrElseByOneThatItTakes() {
        assertThat(migration("vxlan", Set.of(), UDP_ONLY, VXLAN_ONLY, BOTH, NEITHER)
                        .ways())
                .containsExactly(new Way(UDP_ONLY, "udp"), new Way(VXLAN_ONLY, "vxlan"), new Way(BOTH, "vxlan"));
        assertThat(migration("udp", Set.of(), BOTH).ways()).containsExactly(new Way(BOTH, "udp"));
    }

    @Test
    void aTunnelThatPeersMayNotHaveHeardOfComesLast() {
        assertThat(migration("vxlan", Set.of("vxlan"), VXLAN_ONLY, BOTH).ways())
                .containsExactly(new Way(VXLAN_ONLY, "vxlan"), new Way(BOTH, "udp"));
    }

    @Test
    void anEarlierTunnelIsNeededByPeersThatItReachedAndThatTakeNothingNewer() {
        TunnelMemory.Earlier earlier = new TunnelMemory.Earlier(
                new BackendConfig.Udp(8285, UdpFeature.ALL),
                Set.of(TunnelMemory.name(UDP_ONLY.lease()), TunnelMemory.name(BOTH.lease())));

        assertThat(migration("vxlan", Set.of(), UDP_ONLY).needs(earlier)).isTrue();
        assertThat(migration("vxlan", Set.of(), BOTH, peer(6, "udp"), VXLAN_ONLY)
                        .needs(earlier))
                .isFalse();
        assertThat(migration("vxlan", Set.of(), UDP_ONLY, BOTH, VXLAN_ONLY).takingOnly("udp"))
                .containsExactly(TunnelMemory.name(UDP_ONLY.lease()));
    }

    @Test
    void ourLeaseIsOfVxlanWhileANodeThatTakesNothingElseIsThere() {
        assertThat(announced(UDP_ONLY, BOTH, VXLAN_ONLY).preferred()).isEqualTo("vxlan");
        assertThat(announced(UDP_ONLY, BOTH, NEITHER).preferred()).isEqualTo("udp");
        assertThat(announced().decodes()).containsOnlyKeys("udp", "vxlan");
    }

    private Announcement announced(PeerView... peers) {
        return Announcement.of(migration("udp", Set.of(), peers).announcement());
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.flannelj.backend.Backend;
import io.flannelj.backend.BackendContext;
import io.flannelj.backend.BackendRegistry;
import io.flannelj.backend.Backends;
import io.flannelj.backend.Prepared;
import io.flannelj.backend.Uplink;
import io.flannelj.backend.geneve.GeneveProvider;
import io.flannelj.backend.udp.UdpProvider;
import io.flannelj.backend.vxlan.VxlanProvider;
import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.TunnelSettings;
import io.flannelj.lab.Commands;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which tunnels a node opens and closes as network configs and leases come and go, in a namespace, with a clock of its own. */
@NeedsPrivileges
class EarlierTunnelsIT {
    private static final Duration LONG = Duration.ofMinutes(2);
    private static final String UDP = "{\"Type\":\"udp\"}";
    private static final String VXLAN = "{\"Type\":\"vxlan\",\"VNI\":7,\"Port\":4789}";
    private static final int UDP_PORT = 8285;
    private static final int VXLAN_PORT = 4789;

    @TempDir
    private Path state;

    private final SteppedClock clock = new SteppedClock();

    private static final class SteppedClock extends Clock {
        private Instant now = Instant.EPOCH;

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneId.of("UTC");
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private interface Body {
        void run() throws Exception;
    }

    private static void inNamespace(Body body) throws IOException {
        NetnsThread.callInNew(() -> {
            Commands.require("ip", "link", "set", "lo", "up");
            Commands.require("ip", "link", "add", "up0", "type", "bridge");
            Commands.require("ip", "address", "add", "192.168.100.1/24", "dev", "up0");
            Commands.require("ip", "link", "set", "up0", "up");
            body.run();
            return true;
        });
    }

    private static NetworkConfig config(String backend) throws ConfigException {
        return NetworkConfig.parse("{\"Network\":\"10.5.0.0/16\",\"Backend\":" + backend + "}");
    }

    private Backend start(String backend) throws Exception {
        TunnelSettings settings = new TunnelSettings("/dev/net/tun", Duration.ZERO, 1, false, true);
        BackendRegistry providers = new BackendRegistry(List.of(
                new UdpProvider(settings),
                new VxlanProvider(settings, state, null, () -> null),
                new GeneveProvider(settings, state)));
        IpAddress address = IpAddress.parse("192.168.100.1");
        String link = Commands.require("ip", "-o", "link", "show", "up0");
        int index = Integer.parseInt(link.substring(0, link.indexOf(':')));
        Uplink uplink = new Uplink("up0", index, 1500, PerFamily.of(IpFamily.IPV4, address));
        NetworkConfig config = config(backend);
        Prepared prepared = providers.get(config.backend().type()).prepare(config, uplink);
        Lease own = new Lease(PodSubnets.of(Cidr.parse("10.5.1.0/24")), prepared.attributes(), null);
        return Backends.start(prepared, own, new BackendContext(providers, clock, state, Runnable::run), lost -> {});
    }

    private static Lease peer(int node, String type) {
        return new Lease(
                PodSubnets.of(Cidr.parse("10.5." + node + ".0/24")),
                LeaseAttributes.ofIpv4(
                        IpAddress.parse("192.168.100." + node),
                        type,
                        type.isEmpty()
                                ? null
                                : JsonNodeFactory.instance
                                        .objectNode()
                                        .put("VNI", 7)
                                        .put("MAC", "02:00:00:00:00:0" + node)
                                        .put("VtepMAC", "02:00:00:00:00:0" + node)),
                null);
    }

    /** Ports of the UDP sockets in this namespace. */
    private static List<Integer> ports() {
        return Pattern.compile("192\\.168\\.100\\.1:(\\d+)")
                .matcher(Commands.require("ss", "-Huln"))
                .results()
                .map((MatchResult match) -> Integer.valueOf(match.group(1)))
                .sorted()
                .toList();
    }

    private static String routes() {
        return Commands.require("ip", "route");
    }

    @Test
    void noLeaseOpensATunnel() throws IOException {
        inNamespace(() -> {
            try (Backend tunnels = start(VXLAN)) {
                tunnels.apply(List.of(peer(2, "vxlan")));
                String before = routes();
                for (String type : List.of("geneve", "", "from-the-future", "host-gw")) {
                    tunnels.apply(List.of(peer(2, "vxlan"), peer(3, type)));

                    assertThat(ports()).as(type).containsExactly(VXLAN_PORT);
                    assertThat(routes()).as(type).isEqualTo(before);
                    assertThat(tunnels.unreachable())
                            .doesNotContainKey(peer(2, "vxlan").subnets());
                    assertThat(tunnels.unreachable().getOrDefault(peer(3, type).subnets(), ""))
                            .contains("this node carries vxlan", type.isEmpty() ? "names no type" : type);
                    assertThat(tunnels.migrated()).isEqualTo(1);
                }
            }
        });
    }

    @Test
    void anEarlierTunnelStaysForThoseThatWereReachedByIt() throws IOException {
        inNamespace(() -> {
            try (Backend tunnels = start(UDP)) {
                tunnels.apply(List.of(peer(2, ""), peer(3, "")));
                assertThat(tunnels.migrate(config(VXLAN))).isEmpty();
                tunnels.apply(List.of(peer(2, ""), peer(3, "vxlan")));
                clock.now = clock.now.plus(LONG);
                tunnels.apply(List.of(peer(2, ""), peer(3, "vxlan")));
                assertThat(ports()).as("one peer takes udp only").containsExactly(VXLAN_PORT, UDP_PORT);
                assertThat(routes()).contains("10.5.2.0/24 dev flannel0", "10.5.0.0/16 dev flannel.7");

                tunnels.fence();
                clock.now = clock.now.plus(LONG);
                tunnels.apply(List.of(peer(2, ""), peer(3, "vxlan")));
                assertThat(ports()).as("after a fence").containsExactly(VXLAN_PORT, UDP_PORT);

                tunnels.apply(List.of(peer(2, "vxlan"), peer(4, "")));
                clock.now = clock.now.plus(LONG);
                tunnels.apply(List.of(peer(2, "vxlan"), peer(4, "")));
                assertThat(ports())
                        .as("the one that came later keeps nothing open")
                        .containsExactly(VXLAN_PORT);
                assertThat(tunnels.unreachable()).containsKey(peer(4, "").subnets());
            }
        });
    }

    @Test
    void aRestartInTheMidstOfAChangeGoesOnWithIt() throws IOException {
        inNamespace(() -> {
            try (Backend tunnels = start(VXLAN)) {
                tunnels.apply(List.of(peer(2, "vxlan")));
                tunnels.migrate(config(UDP));
                tunnels.apply(List.of(peer(2, "vxlan")));
            }
            try (Backend again = start(UDP)) {
                again.apply(List.of(peer(2, "vxlan"), peer(3, "geneve")));
                assertThat(ports()).as("vxlan with the options that it had").containsExactly(VXLAN_PORT, UDP_PORT);
                assertThat(routes()).contains("10.5.2.0/24 dev flannel.7");
            }
            try (Backend again = start(UDP)) {
                again.apply(List.of(peer(3, "vxlan")));
                clock.now = clock.now.plus(LONG);
                again.apply(List.of(peer(3, "vxlan")));
                again.apply(List.of(peer(2, "vxlan")));
                assertThat(ports()).as("forgotten when nobody needed it").containsExactly(UDP_PORT);
            }
        });
    }

    @Test
    void aConfigChangedBetweenTwoStartsIsAChange() throws IOException {
        inNamespace(() -> {
            try (Backend before = start(VXLAN)) {
                before.apply(List.of(peer(2, "vxlan")));
            }
            try (Backend tunnels = start(UDP)) {
                tunnels.apply(List.of(peer(2, "vxlan"), peer(3, "geneve")));
                assertThat(ports()).containsExactly(VXLAN_PORT, UDP_PORT);
                assertThat(tunnels.unreachable()).containsKey(peer(3, "geneve").subnets());
            }
        });
    }
}

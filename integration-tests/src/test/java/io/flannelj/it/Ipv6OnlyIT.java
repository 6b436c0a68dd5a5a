package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.Backend;
import io.flannelj.backend.BackendContext;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendRegistry;
import io.flannelj.backend.Backends;
import io.flannelj.backend.Prepared;
import io.flannelj.backend.UplinkFinder;
import io.flannelj.backend.hostgw.HostGwProvider;
import io.flannelj.backend.vxlan.VxlanProvider;
import io.flannelj.cli.CommandLine;
import io.flannelj.cli.Invocation;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.Datapath;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.TunnelSettings;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A network without IPv4: two nodes whose leases another program has given out, as Kubernetes does. */
@NeedsPrivileges
class Ipv6OnlyIT {
    @TempDir
    private Path state;

    private record Half(Netns netns, Prepared prepared, Lease lease, BackendContext context) {
        Backend start() throws IOException {
            return NetnsThread.call(netns, () -> Backends.start(prepared, lease, context, lost -> {}));
        }

        void meet(Backend backend, Half other) throws IOException {
            NetnsThread.call(netns, () -> {
                backend.apply(List.of(other.lease()));
                return true;
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"userspace, userspace", "userspace, kernel", "host-gw, host-gw"})
    void nodesReachEachOthersSubnets(String left, String right) throws IOException {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE);
                Netns one = Netns.open(Path.of("/run/netns", lab.node(1).namespace()));
                Netns two = Netns.open(Path.of("/run/netns", lab.node(2).namespace()))) {
            String before = lab.node(1).snapshot();
            Half first = prepare(one, left, 1);
            Half second = prepare(two, right, 2);
            try (Backend here = first.start();
                    Backend there = second.start()) {
                first.meet(here, second);
                second.meet(there, first);
                boolean tunnel = !left.equals("host-gw");
                assertThat(here.podMtuBytes()).isEqualTo(tunnel ? 1430 : 1500);
                assertThat(here.deviceNames()).containsExactly(tunnel ? "flannel-v6.1" : "eth0");
                pod(lab.node(1), 1);
                pod(lab.node(2), 2);
                for (int size : new int[] {0, 1000, tunnel ? 1382 : 1452, 20_000}) {
                    assertThat(lab.node(1).canPing("fd00:5:0:2::1", "-s", String.valueOf(size), "-I", "fd00:5:0:1::1"))
                            .as("%d bytes", size)
                            .isTrue();
                }
                assertThat(lab.node(1).run("ip", "-4", "route").output())
                        .as("IPv4 is left alone")
                        .doesNotContain("flannel");
                for (int number : new int[] {1, 2}) {
                    lab.node(number).run("ip", "link", "delete", "pods").orThrow();
                }
            }
            NetnsThread.call(one, () -> {
                BackendContract.removeWhatIsOurs(first.prepared(), "eth0", Cidr.parse("fd00:5::/48"));
                return true;
            });
            assertThat(lab.node(1).snapshot()).isEqualTo(before);
        }
    }

    /** Where the node's pods would be. */
    private static void pod(Node node, int number) {
        node.run("ip", "link", "add", "pods", "type", "bridge").orThrow();
        node.run("ip", "addr", "add", "fd00:5:0:" + number + "::1/64", "dev", "pods", "nodad")
                .orThrow();
        node.run("ip", "link", "set", "pods", "up").orThrow();
    }

    private Half prepare(Netns netns, String kind, int number) throws IOException {
        Path nodeState = state.resolve("n" + number);
        return NetnsThread.call(netns, () -> {
            boolean hostGw = kind.equals("host-gw");
            NetworkConfig config = NetworkConfig.parse("{\"EnableIPv4\":false,\"EnableIPv6\":true,"
                    + "\"IPv6Network\":\"fd00:5::/48\",\"Backend\":{\"Type\":\"" + (hostGw ? "host-gw" : "vxlan")
                    + "\"}}");
            BackendProvider provider = hostGw
                    ? new HostGwProvider()
                    : new VxlanProvider(
                            new TunnelSettings("/dev/net/tun", Duration.ZERO, 1, false, true),
                            nodeState,
                            kind.equals("kernel") ? Datapath.KERNEL : Datapath.USERSPACE,
                            () -> null);
            Prepared prepared;
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                prepared = provider.prepare(
                        config, new UplinkFinder(netlink).find(options().uplink(), config.families()));
            }
            assertThat(LeaseJson.format(prepared.attributes()))
                    .contains("\"PublicIP\":\"0.0.0.0\"", "\"PublicIPv6\":\"fd00:64::" + number + "\"")
                    .doesNotContain("\"BackendData\"");
            PodSubnets subnets = PodSubnets.of(Cidr.parse("fd00:5:0:" + number + "::/64"));
            BackendContext context = new BackendContext(
                    new BackendRegistry(List.of(provider)), Clock.systemUTC(), nodeState, Runnable::run);
            return new Half(netns, prepared, new Lease(subnets, prepared.attributes(), null), context);
        });
    }

    private static DaemonOptions options() {
        PrintWriter out = new PrintWriter(new StringWriter());
        Invocation invocation = new CommandLine(Map.of(), out, out, "").read("--iface", "eth0");
        return ((Invocation.RunDaemon) invocation).options();
    }
}

package io.flannelj.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import io.flannelj.linux.Sysctl;
import io.flannelj.linux.Tun;
import io.flannelj.linux.UdpSocket;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Against the kernel, in namespaces that end with the test; what was made is checked with iproute2. */
class NetlinkIT {
    private static final MacAddress MAC = MacAddress.parse("02:11:22:33:44:55");

    @Test
    void aPodIsWired() throws IOException {
        NetnsThread.callInNew(() -> {
            try (NetlinkSocket node = NetlinkSocket.open();
                    Netns nodeNetns = Netns.current();
                    Netns podNetns = NetnsThread.callInNew(Netns::current);
                    NetlinkSocket pod = NetnsThread.call(podNetns, NetlinkSocket::open)) {
                Links links = new Links(node);
                int bridge = links.addBridge("docker0", 1450);
                new Addresses(node).add(bridge, Cidr.parse("10.5.1.1/24"));
                links.setUp(bridge);
                links.addVeth("veth0", "eth0", podNetns.fd(), 1450, MAC);
                int port = links.require("veth0").index();
                links.setMaster(port, bridge);
                links.setUp(port);
                links.setBridgePortHairpin(port, true);

                Links podLinks = new Links(pod);
                int eth0 = podLinks.require("eth0").index();
                podLinks.setUp(podLinks.require("lo").index());
                new Addresses(pod).add(eth0, Cidr.parse("10.5.1.2/24"));
                podLinks.setUp(eth0);
                new Routes(pod).replace(Route.via(IpFamily.IPV4.everything(), IpAddress.parse("10.5.1.1"), eth0));

                assertThat(nodeNetns.isSameAs(podNetns)).isFalse();
                assertThat(run("ip", "-d", "link", "show", "veth0"))
                        .contains("master docker0", "mtu 1450", "hairpin on");
                assertThat(run("ip", "addr", "show", "docker0"))
                        .contains("inet 10.5.1.1/24 brd 10.5.1.255 scope global");
                String inside = NetnsThread.call(podNetns, () -> run("ip", "route") + run("ip", "link"));
                assertThat(inside).contains("default via 10.5.1.1 dev eth0", "02:11:22:33:44:55");
                assertThat(podLinks.require("eth0").mac()).isEqualTo(MAC);
                assertThat(links.require("veth0").kind()).isEqualTo("veth");
                assertThat(links.require("veth0").masterIndex()).isEqualTo(bridge);
                assertThat(new Routes(pod).lookup(IpAddress.parse("8.8.8.8")).gateway())
                        .isEqualTo(IpAddress.parse("10.5.1.1"));

                links.delete(port);
                assertThat(links.find("veth0")).isEmpty();
            }
            return null;
        });
    }

    @Test
    void askingForAKindOfDeviceMakesNone() throws IOException {
        NetnsThread.callInNew(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                TunnelDevices devices = new TunnelDevices(netlink);
                String before = run("ip", "-o", "link");

                boolean hasVxlan = devices.hasVxlan();
                boolean hasIpip = devices.hasIpip();

                assertThat(run("ip", "-o", "link")).isEqualTo(before);
                assertThat(hasVxlan).isEqualTo(canAdd("vxlan", "id", "1", "dstport", "8472"));
                assertThat(hasIpip).isEqualTo(canAdd("ipip", "local", "127.0.0.1"));
            }
            return null;
        });
    }

    private static boolean canAdd(String kind, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of("ip", "link", "add", "name", "t0", "type", kind));
        command.addAll(List.of(options));
        try {
            return new ProcessBuilder(command).start().waitFor() == 0;
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void aRemovedPairIsGoneBeforeTheKernelHasFreedIt() throws IOException {
        NetnsThread.callInNew(() -> {
            try (NetlinkSocket node = NetlinkSocket.open();
                    Netns podNetns = NetnsThread.callInNew(Netns::current)) {
                Links links = new Links(node);
                int bridge = links.addBridge("docker0", 1450);
                for (int i = 0; i < 10; i++) {
                    links.addVeth("veth0", "eth0", podNetns.fd(), 1450, MAC); // the names are free again each time
                    links.setMaster(links.require("veth0").index(), bridge);
                    NetlinkSocket pod = NetnsThread.call(podNetns, NetlinkSocket::open);

                    VethRemoval.remove(pod, new Links(pod).require("eth0"));

                    assertThat(links.list()).extracting(Link::name).doesNotContain("veth0");
                    assertThat(NetnsThread.call(podNetns, () -> run("ip", "link")))
                            .doesNotContain("eth0");
                }
                NetlinkSocket pod = NetnsThread.call(podNetns, NetlinkSocket::open);
                Link loopback = new Links(pod).require("lo");
                assertThatThrownBy(() -> VethRemoval.remove(pod, loopback)).isInstanceOf(SyscallException.class);
            }
            return null;
        });
    }

    @Test
    void refusalsNameTheThingAndTheReason() throws IOException {
        NetnsThread.callInNew(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                Links links = new Links(netlink);
                links.addBridge("br0", 1500);
                assertThatThrownBy(() -> links.addBridge("br0", 1500))
                        .hasMessage("add bridge br0: EEXIST, exists already");
                assertThatThrownBy(() -> links.require("nope"))
                        .hasMessageContaining("nope")
                        .hasMessageContaining("ENODEV");
                assertThat(links.find(4711)).isEmpty();
                assertThatThrownBy(() -> new Routes(netlink)
                                .replace(Route.via(Cidr.parse("10.1.0.0/16"), IpAddress.parse("9.9.9.9"), 1)))
                        .isInstanceOf(SyscallException.class)
                        .hasMessageContaining("10.1.0.0/16 via 9.9.9.9");
            }
            return null;
        });
    }

    @Test
    void routesNeighboursAndFdbAreWhatIproute2Sees() throws IOException {
        NetnsThread.callInNew(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                Links links = new Links(netlink);
                int lower = links.addBridge("eth0", 1500);
                new Addresses(netlink).add(lower, Cidr.parse("192.168.0.1/24"));
                new Addresses(netlink).addIfAbsent(lower, Cidr.parse("192.168.0.1/24"));
                links.setUp(lower);
                int vtep = new TunnelDevices(netlink)
                        .addVxlan(VxlanLink.plain(
                                "flannel.1", 1, lower, IpAddress.parse("192.168.0.1"), 8472, 1450, MAC));
                new Addresses(netlink).add(vtep, Cidr.parse("10.5.1.0/32"));
                links.setUp(vtep);
                IpAddress next = IpAddress.parse("10.5.2.0");
                MacAddress remote = MacAddress.parse("02:00:00:00:00:02");
                new Neighbors(netlink).replace(vtep, next, remote);
                new Fdb(netlink).replace(vtep, remote, IpAddress.parse("192.168.0.2"));
                new Routes(netlink)
                        .replace(
                                Route.via(Cidr.parse("10.5.2.0/24"), next, vtep).withOnLink());

                assertThat(run("ip", "-d", "link", "show", "flannel.1"))
                        .contains("vxlan id 1 local 192.168.0.1 dev eth0", "dstport 8472 nolearning");
                assertThat(run("ip", "route")).contains("10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink");
                assertThat(run("ip", "neigh")).contains("10.5.2.0 dev flannel.1 lladdr 02:00:00:00:00:02 PERMANENT");
                assertThat(run("bridge", "fdb", "show", "dev", "flannel.1"))
                        .contains("02:00:00:00:00:02 dst 192.168.0.2 self permanent");
                assertThat(new Neighbors(netlink).list(vtep))
                        .anySatisfy(entry -> assertThat(entry.mac()).isEqualTo(remote));
                assertThat(new Fdb(netlink).list(vtep))
                        .anySatisfy(entry -> assertThat(entry.address()).isEqualTo(IpAddress.parse("192.168.0.2")));

                new Fdb(netlink).delete(vtep, remote, IpAddress.parse("192.168.0.2"));
                new Neighbors(netlink).delete(vtep, next);
                new Routes(netlink).delete(Route.via(Cidr.parse("10.5.2.0/24"), next, vtep));
                assertThat(run("ip", "route")).doesNotContain("10.5.2.0");
                assertThat(new Fdb(netlink).list(vtep)).isEmpty();
            }
            return null;
        });
    }

    @Test
    void allThatALinkReceivesLeavesByAnother() throws IOException {
        NetnsThread.callInNew(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                run("ip", "link", "add", "a0", "type", "veth", "peer", "name", "a1");
                run("ip", "link", "add", "b0", "type", "veth", "peer", "name", "b1");
                Links links = new Links(netlink);
                int from = links.require("a0").index();
                int to = links.require("b0").index();
                TrafficControl control = new TrafficControl(netlink);
                assertThat(control.redirectedTo(from)).as("before").isZero();

                control.redirect(from, to);

                assertThat(run("tc", "filter", "show", "dev", "a0", "ingress"))
                        .contains("mirred (Egress Redirect to device b0) stolen");
                assertThat(control.redirectedTo(from)).isEqualTo(to);

                control.redirect(from, links.require("b1").index()); // in the place of the first
                assertThat(control.redirectedTo(from))
                        .isEqualTo(links.require("b1").index());

                run(
                        "tc",
                        "filter",
                        "add",
                        "dev",
                        "a0",
                        "ingress",
                        "prio",
                        "5",
                        "u32",
                        "match",
                        "u32",
                        "0",
                        "0",
                        "action",
                        "mirred",
                        "egress",
                        "redirect",
                        "dev",
                        "b0");
                assertThat(control.redirectedTo(from))
                        .as("somebody else's filter beside it")
                        .isZero();
                run("tc", "qdisc", "del", "dev", "a0", "clsact");
                assertThat(control.redirectedTo(from))
                        .as("after it was removed")
                        .isZero();
                control.redirect(from, to);
                assertThat(control.redirectedTo(from)).isEqualTo(to);

                control.redirect(from, to);
                run("ip", "link", "set", "b0", "up");
                run("ip", "link", "set", "b1", "up");
                run("ip", "link", "set", "a0", "up");
                run("ip", "addr", "add", "10.9.9.1/24", "dev", "a1");
                run("ip", "link", "set", "a1", "up");
                run("ip", "neigh", "add", "10.9.9.2", "lladdr", "02:00:00:00:00:09", "dev", "a1");
                long before = receivedBytes("b1");
                new ProcessBuilder("ping", "-c1", "-W1", "-s", "1400", "10.9.9.2")
                        .start()
                        .waitFor();
                long grown = receivedBytes("b1") - before;
                assertThat(grown).as("bytes that came out at the other end").isGreaterThan(1400);
            }
            return null;
        });
    }

    @Test
    void theKernelNamesTheHopAndTheNeighbourOfADatagram() throws IOException {
        NetnsThread.callInNew(() -> {
            List<HostWatch.Change> seen = new CopyOnWriteArrayList<>();
            HostWatch watch = HostWatch.start(
                    EnumSet.of(HostWatch.Topic.NEIGHBORS, HostWatch.Topic.TRAFFIC_CONTROL), "watch", seen::add);
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                run("ip", "link", "add", "a0", "type", "veth", "peer", "name", "a1");
                run("ip", "addr", "add", "192.168.0.1/24", "dev", "a0");
                run("ip", "link", "set", "a1", "up");
                run("ip", "link", "set", "a0", "up");
                run("ip", "route", "add", "10.7.0.0/16", "via", "192.168.0.254");
                run("ip", "route", "add", "10.7.7.0/24", "via", "192.168.0.253", "table", "7");
                run("ip", "rule", "add", "ipproto", "udp", "dport", "8472", "table", "7");
                int link = new Links(netlink).require("a0").index();
                Routes routes = new Routes(netlink);
                IpAddress own = IpAddress.parse("192.168.0.1");
                IpAddress far = IpAddress.parse("10.7.7.7");

                assertThat(routes.resolveUdp(own, 8472, far, 8472).route().gateway())
                        .isEqualTo(IpAddress.parse("192.168.0.253"));
                assertThat(routes.resolveUdp(own, 8472, far, 9).route().gateway())
                        .isEqualTo(IpAddress.parse("192.168.0.254"));
                assertThat(routes.resolveUdp(own, 8472, IpAddress.parse("192.168.0.9"), 8472)
                                .route())
                        .satisfies(route -> assertThat(route.gateway()).isNull())
                        .satisfies(route -> assertThat(route.linkIndex()).isEqualTo(link));
                assertThatThrownBy(() -> routes.resolveUdp(own, 8472, IpAddress.parse("172.31.0.1"), 8472))
                        .hasMessageContaining("ENETUNREACH");

                run("ip", "route", "add", "10.8.0.0/16", "via", "192.168.0.254", "mtu", "1300");
                assertThat(routes.resolveUdp(own, 8472, IpAddress.parse("10.8.0.1"), 8472)
                                .mtuBytes())
                        .isEqualTo(1300);
                assertThat(routes.resolveUdp(own, 8472, far, 8472).mtuBytes()).isZero();

                run("ip", "neigh", "add", "192.168.0.9", "lladdr", "02:00:00:00:00:09", "dev", "a0", "nud", "stale");
                awaitReport(seen, HostWatch.Kind.NEIGHBOR, link);
                assertThat(neighbor(netlink, link).isStale()).isTrue();
                assertThat(neighbor(netlink, link).isUsable()).isTrue();

                new Neighbors(netlink).use(link, IpAddress.parse("192.168.0.9"));

                assertThat(run("ip", "neigh"))
                        .contains("192.168.0.9 dev a0 lladdr 02:00:00:00:00:09")
                        .contains("DELAY");
                assertThat(neighbor(netlink, link).isStale()).isFalse();
                assertThat(neighbor(netlink, link).isUsable()).isTrue();
                assertThatThrownBy(() -> new Neighbors(netlink).use(link, IpAddress.parse("192.168.0.10")))
                        .hasMessageContaining("ENOENT");

                new TrafficControl(netlink)
                        .redirect(link, new Links(netlink).require("a1").index());
                awaitReport(seen, HostWatch.Kind.TRAFFIC_CONTROL, link);
            } finally {
                watch.close();
            }
            return null;
        });
    }

    @Test
    void policiesOfPacketsThatLeaveAreCounted() throws IOException {
        NetnsThread.callInNew(() -> {
            try (IpsecPolicies policies = IpsecPolicies.open()) {
                assertThat(policies.countOutbound()).isZero();

                run("ip", "xfrm", "policy", "add", "src", "192.0.2.1", "dst", "192.0.2.2", "dir", "in");
                assertThat(policies.countOutbound()).as("of those that arrive").isZero();
                run("ip", "xfrm", "policy", "add", "src", "192.0.2.1", "dst", "192.0.2.2", "dir", "out");
                assertThat(policies.countOutbound()).isEqualTo(1);
                run("ip", "xfrm", "policy", "delete", "src", "192.0.2.1", "dst", "192.0.2.2", "dir", "out");
                assertThat(policies.countOutbound()).isZero();
            }
            return null;
        });
    }

    private static long receivedBytes(String link) throws IOException, InterruptedException {
        String line = run("cat", "/proc/self/net/dev")
                .lines()
                .filter(one -> one.trim().startsWith(link + ":"))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(line.replaceFirst(".*:\\s*(\\d+).*", "$1"));
    }

    private static Neighbor neighbor(NetlinkSocket netlink, int link) throws SyscallException {
        return new Neighbors(netlink)
                .list(link).stream()
                        .filter(entry -> IpAddress.parse("192.168.0.9").equals(entry.address()))
                        .findFirst()
                        .orElseThrow();
    }

    @Test
    void thousandsOfRoutesAreListedWhole() throws IOException {
        NetnsThread.callInNew(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                int index = new Links(netlink).addBridge("eth0", 1500);
                new Links(netlink).setUp(index);
                Routes routes = new Routes(netlink);
                for (int i = 0; i < 3000; i++) {
                    routes.replace(Route.toLink(new Cidr(IpAddress.ofIpv4(0x0a00_0000 + (i << 8)), 24), index));
                }
                assertThat(routes.list().stream()
                                .filter(route -> route.destination().length() == 24))
                        .hasSize(3000);
            }
            return null;
        });
    }

    @Test
    void sysctlsAreThoseOfTheNamespace() throws IOException {
        NetnsThread.callInNew(() -> {
            Sysctl.write("net.ipv4.ip_forward", "1");
            assertThat(Sysctl.read("net.ipv4.ip_forward")).isEqualTo("1");
            assertThat(run("cat", "/proc/sys/net/ipv4/ip_forward")).isEqualTo("1\n");
            assertThat(Sysctl.exists("net/ipv4/conf/lo/forwarding")).isTrue();
            return null;
        });
    }

    @Test
    void aTunDeviceOrSocketThatCannotBeHadSaysWhy() throws IOException {
        NetnsThread.callInNew(() -> {
            try (Tun tun = Tun.open("/dev/net/tun", "flannel%d", true, false);
                    UdpSocket socket = UdpSocket.open(IpAddress.ANY_V4, 8472, false)) {
                assertThat(tun.name()).isEqualTo("flannel0");
                assertThat(socket.fd()).isPositive();
                assertThat(tun.trySetOffload(1 | 2 | 4)).isTrue();
                assertThatThrownBy(() -> Tun.open("/dev/net/tun", "flannel0", true, false))
                        .hasMessageContaining("make TUN device flannel0: EBUSY");
                assertThatThrownBy(() -> UdpSocket.open(IpAddress.ANY_V4, 8472, false))
                        .isInstanceOfSatisfying(
                                SyscallException.class,
                                e -> assertThat(e.errno()).isEqualTo(Errno.EADDRINUSE))
                        .hasMessageContaining("0.0.0.0:8472");
            }
            assertThatThrownBy(() -> Tun.open("/dev/net/none", "x", true, false))
                    .hasMessageContaining("/dev/net/none: ENOENT");
            run("ip", "link", "set", "lo", "up"); // before, there is no local table to look into
            assertThatThrownBy(() -> UdpSocket.open(IpAddress.parse("192.0.2.1"), 1, false))
                    .hasMessageContaining("EADDRNOTAVAIL");
            return null;
        });
    }

    @Test
    void changesOfLinksAddressesAndRoutesAreReported() throws IOException {
        List<HostWatch.Change> seen = new CopyOnWriteArrayList<>();
        NetnsThread.callInNew(() -> {
            HostWatch watch = HostWatch.start(EnumSet.allOf(HostWatch.Topic.class), "test-watch", seen::add);
            try (NetlinkSocket socket = NetlinkSocket.open()) {
                Links links = new Links(socket);
                int bridge = links.addBridge("br0", 1400);
                awaitReport(seen, HostWatch.Kind.LINK, bridge);
                new Addresses(socket).add(bridge, Cidr.parse("10.9.0.1/24"));
                awaitReport(seen, HostWatch.Kind.ADDRESS, bridge);
                links.setUp(bridge);
                new Routes(socket).replace(Route.toLink(Cidr.parse("10.10.0.0/16"), bridge));
                awaitReport(seen, HostWatch.Kind.ROUTE, bridge);
                new Routes(socket)
                        .replace(Route.via(IpFamily.IPV4.everything(), IpAddress.parse("10.9.0.254"), bridge));
                awaitReport(seen, HostWatch.Kind.DEFAULT_ROUTE, bridge);

                seen.clear();
                new Addresses(socket).add(bridge, Cidr.parse("fd00:9::1/64"));
                awaitReport(seen, HostWatch.Kind.ADDRESS, bridge);
                run("ip", "link", "set", "br0", "mtu", "1300");
                awaitReport(seen, HostWatch.Kind.LINK, bridge);

                links.delete(bridge);
                awaitReport(seen, HostWatch.Kind.LINK_DELETED, bridge);
            } finally {
                watch.close();
            }
            return null;
        });
    }

    private static void awaitReport(List<HostWatch.Change> seen, HostWatch.Kind kind, int linkIndex)
            throws IOException {
        HostWatch.Change wanted = new HostWatch.Change(kind, linkIndex);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!seen.contains(wanted)) {
            if (System.nanoTime() > end) {
                throw new IOException("not reported: " + wanted + "; reported: " + seen);
            }
            Thread.onSpinWait();
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output;
    }
}

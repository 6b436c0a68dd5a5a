package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A public address that is not the uplink's own: on another interface of the node, or on none of it. */
@NeedsPrivileges
class PublicAddressIT {
    private static final Duration SOON = Duration.ofSeconds(20);

    /** In one network: stock flannel, ours in user space, ours by the kernel. */
    @ParameterizedTest
    @ValueSource(strings = {"lo", "dummy"})
    void anAddressOfAnotherInterfaceServesAsWithFlannel(String where) {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: run integration-tests/peers");
        try (Lab lab = Lab.open(3, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")) {
            move(lab, where);
            StockFlannel.start(lab, lab.node(1), "--public-ip", address(1));
            lab.node(2).startDaemon("--iface", "eth0", "--public-ip", address(2));
            lab.node(3).startDaemon("--iface", "eth0", "--public-ip", address(3), "--vxlan-datapath", "kernel");
            for (int number : new int[] {2, 3}) {
                lab.node(number).awaitReady();
                lab.node(number).awaitPeers(2);
            }
            everyPodReachesEveryOther(lab);
            assertThat(lab.node(3).run("ip", "-d", "link", "show", "flannel.1").output())
                    .contains(" local " + address(3) + " ");
        }
    }

    @LongRun
    @ParameterizedTest
    @ValueSource(strings = {"geneve", "ipip"})
    void theOthersServeItToo(String backend) {
        ourOtherTunnelsServeIt(backend);
    }

    @ParameterizedTest
    @ValueSource(strings = "udp")
    void ourOtherTunnelsServeIt(String backend) {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}")) {
            move(lab, "dummy");
            for (int number : new int[] {1, 2}) {
                lab.node(number).startDaemon("--iface", "eth0", "--public-ip", address(number));
            }
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));
            everyPodReachesEveryOther(lab);
        }
    }

    @Test
    void anAddressThatSomebodyTranslatesServes() {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")) {
            for (String command : new String[] {
                "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.br0.send_redirects=0",
                "iptables -t nat -A PREROUTING -d 203.0.113.0/24 -j NETMAP --to 192.168.100.0/24",
                "iptables -t nat -A POSTROUTING -s 192.168.100.0/24 -d 192.168.100.0/24 -j NETMAP --to 203.0.113.0/24"
            }) {
                lab.runOnSwitch(command.split(" ")).orThrow();
            }
            for (int number : new int[] {1, 2}) {
                lab.node(number).startDaemon("--iface", "eth0", "--public-ip", "203.0.113." + number);
            }
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));
            everyPodReachesEveryOther(lab);
        }
    }

    private static String address(int number) {
        return "172.30.0." + number;
    }

    /** Gives each node such an address, and routes to those of the others. */
    private static void move(Lab lab, String where) {
        int count = lab.nodes().size();
        for (int number = 1; number <= count; number++) {
            Node node = lab.node(number);
            if (where.equals("dummy")) {
                node.run("ip", "link", "add", where, "type", "bridge")
                        .orThrow(); // one without ports is as good as a dummy
                node.run("ip", "link", "set", where, "up").orThrow();
            }
            node.run("ip", "addr", "add", address(number) + "/32", "dev", where).orThrow();
            for (int other = 1; other <= count; other++) {
                if (other != number) {
                    node.run(
                                    "ip",
                                    "route",
                                    "add",
                                    address(other) + "/32",
                                    "via",
                                    lab.node(other).address())
                            .orThrow();
                }
            }
        }
    }

    private static void everyPodReachesEveryOther(Lab lab) {
        List<Pod> pods = new ArrayList<>();
        lab.nodes().forEach(node -> pods.add(node.addPod()));
        for (Pod from : pods) {
            for (Pod to : pods) {
                Awaitility.await(from.containerId() + " to " + to.containerId())
                        .atMost(SOON) // flannel programs its peers one after the other
                        .until(() -> from.canPing(to));
            }
        }
    }
}

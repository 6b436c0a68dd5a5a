package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Attacker;
import io.flannelj.lab.Forgery;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Pods and strangers that say, by ICMP errors which they make up, that the way from a node to another takes small packets only.
 * A node that believes it cuts its outer packets, or sends no runs any more.
 */
@NeedsPrivileges
class ForgedPathMtuIT {
    @Nested
    class OverVxlan extends Contract {
        OverVxlan() {
            super("vxlan", 1450, 8472);
        }
    }

    @Nested
    class OverUdp extends Contract {
        OverUdp() {
            super("udp", 1472, 8285);
        }
    }

    @Nested
    class OverIpip extends Contract {
        OverIpip() {
            super("ipip\",\"Datapath\":\"userspace", 1480, 0);
        }
    }

    @Nested
    class OverIpv6Vxlan extends Contract {
        OverIpv6Vxlan() {
            super("vxlan", 1430, 8472);
            ipv6 = true;
        }
    }

    @Nested
    @LongRun
    class OverGeneve extends Contract {
        OverGeneve() {
            super("geneve", 1434, 6081); // 16 bytes are reserved for options
        }
    }

    @NeedsPrivileges
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class Contract {
        private final String backend;
        private final int mtuBytes;
        private final int port;
        boolean ipv6;
        List<String> flags = List.of();
        Lab lab;
        Pod here;
        Pod there;

        Contract(String backend, int mtuBytes, int port) {
            this.backend = backend;
            this.mtuBytes = mtuBytes;
            this.port = port;
        }

        @BeforeAll
        void build() {
            lab = Lab.open(2, Lab.Underlay.WIRE)
                    .configure("{\"Network\":\"10.5.0.0/16\","
                            + (ipv6 ? "\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\"," : "")
                            + "\"Backend\":{\"Type\":\"" + backend + "\"}}");
            lab.nodes().forEach(node -> node.startDaemon(flags.toArray(String[]::new)));
            lab.nodes().forEach(Node::awaitReady);
            lab.nodes().forEach(node -> node.awaitPeers(1));
            here = pod(lab.node(1));
            there = pod(lab.node(2));
            Awaitility.await("the path's MTU")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> flags.contains("kernel")
                            || lab.node(1)
                                            .peers()
                                            .path(0)
                                            .path("paths")
                                            .path(ipv6 ? 1 : 0)
                                            .path("mtu")
                                            .asInt()
                                    == mtuBytes);
        }

        private Pod pod(Node node) {
            return ipv6 ? node.addPod().addIpv6ByHand(node.bridge()) : node.addPod();
        }

        @AfterAll
        void close() {
            if (lab != null) {
                lab.close();
            }
        }

        @Test
        void aPodsErrorsCutNothing() {
            cutNothing(Attacker.in(here), address(here));
        }

        @Test
        void aStrangersErrorsCutNothing() {
            cutNothing(Attacker.on(lab), ipv6 ? Lab.SWITCH_IPV6_ADDRESS : Lab.SWITCH_ADDRESS);
        }

        void cutNothing(Attacker attacker, String source) {
            String node = address(lab.node(1));
            assertThat(here.canPing(address(there), "-c1", "-M", "do", "-s", String.valueOf(largest())))
                    .as("packets of the whole MTU, before")
                    .isTrue();
            long cutBefore = cut(lab.node(1));
            double separatelyBefore = sentSeparately();

            for (byte[] quoted : packets(node, address(lab.node(2)))) {
                attacker.sendRaw(node, Forgery.tooBig(source, node, ipv6 ? 1280 : 600, quoted));
            }

            assertThat(here.canPing(address(there), "-c3", "-i0.2", "-M", "do", "-s", String.valueOf(largest())))
                    .as("packets of the whole MTU")
                    .isTrue();
            assertThat(Transfer.tcp(here, there, address(there), 16)).isTrue();
            assertThat(cut(lab.node(1)) - cutBefore)
                    .as("outer packets that were cut")
                    .isZero();
            assertThat(sentSeparately() - separatelyBefore)
                    .as("peers without segmentation")
                    .isZero();
        }

        /** Those of which a sender may be told that they were too big: of a tunnel, and a ping, which the kernel always believes. */
        private List<byte[]> packets(String from, String to) {
            List<byte[]> packets = new ArrayList<>();
            packets.add(Forgery.echo(from, to));
            if (port == 0) {
                packets.add(Forgery.ipip(from, to, Forgery.inner(from, to)));
            } else {
                byte[] inner = Forgery.vxlan(1, "02:00:00:00:00:01", "02:00:00:00:00:02", Forgery.inner(from, to));
                packets.add(Forgery.datagram(from, to, port, port, inner));
                packets.add(Forgery.datagram(from, to, port, inner));
            }
            return packets;
        }

        private int largest() {
            return mtuBytes - (ipv6 ? 48 : 28);
        }

        private String address(Pod pod) {
            return ipv6 ? pod.ipv6Address() : pod.address();
        }

        private String address(Node node) {
            return ipv6 ? node.ipv6Address() : node.address();
        }

        private static long cut(Node node) {
            return node.run("nstat", "-asz", "IpFragCreates", "Ip6FragCreates")
                    .orThrow()
                    .lines()
                    .filter(line -> line.startsWith("Ip"))
                    .mapToLong(line -> Long.parseLong(line.split("\\s+", -1)[1]))
                    .sum();
        }

        private double sentSeparately() {
            return lab.node(1)
                    .metrics()
                    .lines()
                    .filter(line -> line.startsWith("flannelj_segmentation_fallbacks"))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                    .sum();
        }
    }
}

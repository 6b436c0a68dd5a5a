package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Transfer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Congestion marks (RFC 3168) through tunnels, as RFC 6040 has it; flannel's kernel VXLAN beside ours. */
@NeedsPrivileges
class CongestionIT {
    private static final Pattern COUNTER = Pattern.compile("counter packets (\\d+)");

    @LongRun
    @ParameterizedTest
    @CsvSource({
        "flannel, vxlan, 8472, ip",
        "flannel, vxlan, 8472, ip6",
        "ours, vxlan, 8472, ip6",
        "ours, geneve, 6081, ip"
    })
    void marksPassBothWaysElsewhereToo(String who, String backend, int port, String family) {
        marksPassBothWays(who, backend, port, family);
    }

    @ParameterizedTest
    @CsvSource({"ours, vxlan, 8472, ip", "ours, udp, 8285, ip"})
    void marksPassBothWays(String who, String backend, int port, String family) {
        boolean ipv6 = family.equals("ip6");
        try (Lab lab = lab(who, backend, ipv6)) {
            Pod here = lab.node(1).addPod();
            Pod there = lab.node(2).addPod();
            String target = there.address();
            if (ipv6) {
                here.addIpv6ByHand("docker0");
                target = there.addIpv6ByHand("docker0").ipv6Address();
            }
            String echo = ipv6 ? "icmpv6 type echo-request" : "icmp type echo-request";
            rule(lab.node(1)::run, family, "output", "udp dport " + port + " " + family + " ecn ect0 counter");
            rule(there::run, family, "input", echo + " " + family + " ecn ce counter");

            assertThat(ping(here, target, 2)).as("before any mark").contains(" 0% packet loss");
            assertThat(count(lab.node(1))).as("outer headers that are capable").isGreaterThanOrEqualTo(3);
            assertThat(count(there)).as("marks without congestion").isZero();

            // A congested router on the way, which marks whatever is capable.
            rule(
                    lab.node(2)::run,
                    family,
                    "prerouting",
                    "udp dport " + port + " " + family + " ecn ect0 " + family + " ecn set ce");
            assertThat(ping(here, target, 2)).as("marked").contains(" 0% packet loss");
            assertThat(count(there)).as("marks that reached the pod").isGreaterThanOrEqualTo(3);
            assertThat(ping(here, target, 0))
                    .as("not capable, and so not marked")
                    .contains(" 0% packet loss");

            here.run("sysctl", "-qw", "net.ipv4.tcp_ecn=1").orThrow();
            there.run("sysctl", "-qw", "net.ipv4.tcp_ecn=1").orThrow();
            assertThat(Transfer.tcp(here, there, target, 1))
                    .as("TCP with every segment marked")
                    .isTrue();

            // One that marks what is not capable: the packet inside must not arrive, for nobody would see the mark.
            rule(
                    lab.node(2)::run,
                    family,
                    "prerouting",
                    "udp dport " + port + " " + family + " ecn not-ect " + family + " ecn set ce");
            assertThat(ping(here, target, 0)).as("marked, though not capable").contains(" 100% packet loss");
            if (who.equals("ours")) {
                assertThat(lab.node(2).metrics()).containsPattern("reason=\"bad_congestion_mark\"[^\\n]* [1-9]");
            }
        }
    }

    private static Lab lab(String who, String backend, boolean ipv6) {
        Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\","
                        + (ipv6 ? "\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\"," : "")
                        + "\"Backend\":{\"Type\":\"" + backend + "\"}}");
        if (who.equals("ours")) {
            return lab.start();
        }
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: run integration-tests/peers");
        lab.nodes().forEach(node -> StockFlannel.start(lab, node));
        return lab;
    }

    /** Runs a program somewhere. */
    private interface Place {
        Commands.Result run(String... command);
    }

    private static void rule(Place place, String family, String hook, String rule) {
        String chain = "add table " + family + " marks; add chain " + family + " marks " + hook + " { type filter hook "
                + hook + " priority -300; }; add rule " + family + " marks " + hook + " " + rule;
        place.run("nft", chain).orThrow();
    }

    private static int count(Node node) {
        return count(node.run("nft", "list", "ruleset").orThrow());
    }

    private static int count(Pod pod) {
        return count(pod.run("nft", "list", "ruleset").orThrow());
    }

    private static int count(String rules) {
        Matcher counter = COUNTER.matcher(rules.substring(rules.indexOf("marks")));
        assertThat(counter.find()).as(rules).isTrue();
        return Integer.parseInt(counter.group(1));
    }

    /** Three pings with a type of service; flannel programs its peers one after the other, so they may be tried again. */
    private static String ping(Pod from, String to, int service) {
        String output = "";
        for (int attempt = 0; attempt < 3 && !output.contains(" 0% packet loss"); attempt++) {
            output = from.run("ping", "-c3", "-i0.2", "-W2", "-Q", String.valueOf(service), to)
                    .output();
        }
        return output;
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The real flannel and we in one etcd: who joins whom, who restarts, whose lease ends. */
@NeedsPrivileges
class StockFlannelIT {
    private static final Duration SOON = Duration.ofSeconds(20);

    @LongRun
    @ParameterizedTest
    @ValueSource(strings = {"udp", "host-gw"})
    void pingsComeBackOverOtherBackendsToo(String backend) throws Exception {
        pingsComeBackAfterWhateverHappensToEither(backend);
    }

    @ParameterizedTest
    @ValueSource(strings = "vxlan")
    void pingsComeBackAfterWhateverHappensToEither(String backend) throws Exception {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: set FLANNELD_BIN, or run integration-tests/peers");
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}")) {
            Node ours = lab.node(1);
            Node theirs = lab.node(2);
            Process flannel = StockFlannel.start(lab, theirs);
            ours.start();
            ours.awaitPeers(1);
            Pod here = ours.addPod();
            Pod there = theirs.addPod();
            awaitPings("we join flannel", here, there);
            String subnet = ours.status().path("subnet").asText();

            assertThat(ours.stop()).isZero();
            ours.start();
            ours.awaitPeers(1);
            assertThat(ours.status().path("subnet").asText()).isEqualTo(subnet);
            awaitPings("we restart", here, there);

            end(flannel);
            flannel = StockFlannel.start(lab, theirs);
            awaitPings("flannel restarts, and joins us", here, there);

            lab.etcd().delete(key(subnet));
            Awaitility.await("our lease is claimed again")
                    .atMost(SOON)
                    .until(() -> lab.leases().contains(subnet.replace('/', '-')));
            awaitPings("our lease ends", here, there);
            assertThat(ours.status().path("subnet").asText()).isEqualTo(subnet);

            String other = ours.peers().path(0).path("subnet").asText();
            lab.etcd().delete(key(other));
            ours.awaitPeers(0);
            assertThat(flannel.waitFor(20, TimeUnit.SECONDS))
                    .as("flannel ends with its lease")
                    .isTrue();
            flannel = StockFlannel.start(lab, theirs);
            ours.awaitPeers(1);
            awaitPings("flannel's lease ends, and its supervisor starts it again", here, there);

            assertThat(ours.stop()).isZero();
            ours.start("--subnet-lease-ttl", "6");
            ours.kill();
            Awaitility.await("our lease runs out")
                    .atMost(SOON)
                    .until(() -> !lab.leases().contains(subnet.replace('/', '-')));
            Awaitility.await("flannel sends us nothing any more")
                    .atMost(SOON)
                    .until(() -> !theirs.run("ip", "route").output().contains(subnet));
            ours.start("--subnet-lease-ttl", "6");
            awaitPings("we are back after our lease ran out", here, there);
            Thread.sleep(TimeUnit.SECONDS.toMillis(8)); // longer than the lease lasts unless it is renewed
            awaitPings("our lease is renewed", here, there);
            assertThat(ours.status().path("subnet").asText()).isEqualTo(subnet);
            end(flannel);
        }
    }

    /** What flanneld itself puts into the kernel, and what we do on the same node with the same lease. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void rulesAreFlannelsToTheLast(boolean nftables) throws Exception {
        assumeTrue(StockFlannel.binary().isPresent(), "no flannel: set FLANNELD_BIN, or run integration-tests/peers");
        try (Lab lab = Lab.open(1, Lab.Underlay.WIRE)
                .configure(
                        "{\"Network\":\"10.5.0.0/16\",\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\",\"EnableNFTables\":"
                                + nftables + ",\"Backend\":{\"Type\":\"host-gw\"}}")) {
            Node node = lab.node(1);
            Process flannel = StockFlannel.start(lab, node);
            // Rules for tunnel ports and sources are ours alone: other tables of iptables, other chains of our nft
            // table.
            String[] programs = nftables
                    ? new String[] {
                        "nft list chain ip flannel-ipv4 postrtg",
                        "nft list chain ip6 flannel-ipv6 postrtg",
                        "nft list chain ip flannel-ipv4 forward",
                        "nft list chain ip6 flannel-ipv6 forward"
                    }
                    : new String[] {
                        "iptables-save -t nat",
                        "ip6tables-save -t nat",
                        "iptables-save -t filter",
                        "ip6tables-save -t filter"
                    };
            for (String program : List.of(programs[0], programs[1])) {
                Awaitility.await("flannel's rules in " + program)
                        .atMost(SOON)
                        .until(() ->
                                rules(node, program).toLowerCase(Locale.ROOT).contains("masquerade"));
            }
            Thread.sleep(500); // it writes them in several steps
            List<String> flannels =
                    Stream.of(programs).map(program -> rules(node, program)).toList();
            flannel.destroyForcibly().waitFor();

            node.start(nftables ? new String[] {"--compat-nft"} : new String[0]);
            for (int i = 0; i < programs.length; i++) {
                assertThat(rules(node, programs[i])).isEqualTo(flannels.get(i));
            }
        }
    }

    /** Without comments and counts, which tell of the moment. */
    private static String rules(Node node, String program) {
        return node.run(program.split(" "))
                .output()
                .lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.replaceAll("\\[\\d+:\\d+]", ""))
                .collect(Collectors.joining("\n"));
    }

    private static String key(String subnet) {
        return Lab.PREFIX + "/subnets/" + subnet.replace('/', '-');
    }

    private static void end(Process flannel) throws InterruptedException {
        flannel.destroy();
        assertThat(flannel.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }

    private static void awaitPings(String when, Pod one, Pod other) {
        Awaitility.await(when).atMost(SOON).until(() -> one.canPing(other) && other.canPing(one));
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * The commands of docs/troubleshooting.md on two nodes, whole and with a fault: as printed, but for the names that the page
 * tells the reader to replace. What they answer is what its tables say.
 */
@NeedsPrivileges
class TroubleshootingIT {
    private static final Duration SOON = Duration.ofSeconds(40);

    /** In a code block, or in backticks in a table. */
    private static final Pattern COMMAND = Pattern.compile("(?m)^([a-z][^`\\n]*?)(?: {3,}#.*)?$|`([^`\\n]+)`");

    /** The page's paths are those of an installed daemon: here they lead to the node's own folder. */
    private static final String AS_INSTALLED = """
        mount --rbind /run /media; mount --bind "$0" /mnt; mount -t tmpfs tmpfs /run
        ln -s /media/* /run/; rm -f /run/flannel-j; mkdir /run/flannel-j; mount --bind /mnt /run/flannel-j
        PATH=$1:$PATH; eval "$2"
        """;

    /** Two nodes, a pod on each, and one that pings the other all the time, as the page demands. */
    private record Cluster(Lab lab, Pod from, Pod to, Map<String, String> names) implements AutoCloseable {
        static Cluster open(String backend, String device) {
            Lab lab = Lab.open(2, Lab.Underlay.ON);
            try {
                lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":" + backend + "}");
                lab.start();
                Pod from = lab.node(1).addPod();
                Pod to = lab.node(2).addPod();
                Map<String, String> names = Map.of(
                        "PA", from.address(),
                        "PB", to.address(),
                        "NA", lab.node(1).address(),
                        "NB", lab.node(2).address(),
                        "BRIDGE", lab.node(1).bridge(),
                        "DEV", device,
                        "PORT", "8472",
                        "PB_SUBNET", lab.node(2).status().path("subnet").asText());
                lab.node(1).startIn(from, "ping", "-i", "0.2", to.address());
                return new Cluster(lab, from, to, names);
            } catch (RuntimeException | AssertionError e) {
                lab.close();
                throw e;
            }
        }

        Node node(int number) {
            return lab.node(number);
        }

        /** The first command of the page that begins so, with this cluster's names in it. */
        String printed(String beginning) {
            return printed("docs/troubleshooting.md", beginning);
        }

        String printed(String page, String beginning) {
            String text = text(page);
            return COMMAND.matcher(text)
                    .results()
                    .flatMap(match -> Stream.of(match.group(1), match.group(2)))
                    .filter(command -> command != null && command.startsWith(beginning))
                    .findFirst()
                    .map(this::named)
                    .orElseThrow(() -> new AssertionError(page + " has no command " + beginning));
        }

        private String named(String command) {
            return Pattern.compile("\\b(" + String.join("|", names.keySet()) + ")\\b")
                    .matcher(command)
                    .replaceAll(name -> names.get(name.group()));
        }

        Commands.Result run(int node, String command) {
            return node(node)
                    .run(
                            "unshare",
                            "--mount",
                            "bash",
                            "-ec",
                            AS_INSTALLED,
                            node(node).directory().toString(),
                            Distribution.home().resolve("bin").toString(),
                            command);
        }

        /** Whether the ping is seen at one of the places of step 4. */
        boolean isSeen(int node, String place) {
            String watch = printed("tcpdump -ni " + place);
            Commands.Result result = run(node, "timeout 4 " + watch);
            assertThat(result.exitStatus()).as(watch + "\n" + result.errors()).isEqualTo(124); // timeout's own
            return result.output().contains(from.address() + " > " + to.address() + ": ICMP echo request");
        }

        @Override
        public void close() {
            lab.close();
        }
    }

    private static String text(String page) {
        try {
            return Files.readString(DocBlock.ROOT.resolve(page));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void onAWholeWayTheCommandsAnswerAsThePageSays() {
        try (Cluster cluster = Cluster.open("{\"Type\":\"vxlan\"}", "flannel.1")) {
            assertThat(cluster.run(1, cluster.printed("flanneld-j status")).output())
                    .containsPattern("state +ready")
                    .containsPattern("node +" + cluster.node(1).address() + "\\b")
                    .containsPattern("backend +vxlan on flannel.1");
            assertThat(cluster.run(1, cluster.printed("flanneld-j peers")).output())
                    .contains(
                            "PACKETS OUT",
                            "PACKETS IN",
                            "LOSS",
                            cluster.names().get("PB_SUBNET"),
                            cluster.names().get("NB"));
            assertThat(cluster.run(1, cluster.printed("ip route get PB from")).output())
                    .contains("dev flannel.1");
            assertThat(cluster.run(1, cluster.printed("sysctl")).output()).endsWith("= 1\n");
            assertThat(cluster.from()
                            .run("sh", "-c", cluster.printed("ip route get PB").replaceAll(" from.*", ""))
                            .output())
                    .contains(" via ");
            for (String place :
                    List.of("BRIDGE host PB", "DEV host PB", "eth0 -T vxlan udp port PORT and dst host NB")) {
                assertThat(cluster.isSeen(1, place)).as("node 1, " + place).isTrue();
            }
            for (String place :
                    List.of("eth0 -T vxlan udp port PORT and src host NA", "DEV host PA", "BRIDGE host PA")) {
                assertThat(cluster.isSeen(2, place)).as("node 2, " + place).isTrue();
            }
            for (String command : List.of("curl -s 127.0.0.1", "curl -s --unix-socket")) {
                assertThat(cluster.run(1, cluster.printed(command)).output())
                        .contains("flannelj_dropped_packets_total{direction=\"in\",reason=\"spoofed\"");
            }
            String ping = cluster.printed("ping -M do") + " -c 2 -W 2";
            assertThat(cluster.from()
                            .run("sh", "-c", ping.replace("SIZE", "1422"))
                            .succeeded())
                    .as("the largest that the page promises")
                    .isTrue();
            assertThat(cluster.from()
                            .run("sh", "-c", ping.replace("SIZE", "1423"))
                            .succeeded())
                    .isFalse();
        }
    }

    @Test
    void theFirstPlaceWithoutThePingIsWhereTheFaultIs() {
        try (Cluster cluster = Cluster.open("{\"Type\":\"vxlan\"}", "flannel.1")) {
            cluster.node(1)
                    .run("iptables", "-I", "FORWARD", "-p", "icmp", "-j", "DROP")
                    .orThrow();
            assertThat(cluster.isSeen(1, "BRIDGE host PB")).isTrue();
            assertThat(cluster.isSeen(1, "DEV host PB")).as("behind FORWARD").isFalse();
            cluster.node(1)
                    .run("iptables", "-D", "FORWARD", "-p", "icmp", "-j", "DROP")
                    .orThrow();

            cluster.node(1)
                    .run("iptables", "-I", "OUTPUT", "-p", "udp", "--dport", "8472", "-j", "DROP")
                    .orThrow();
            assertThat(cluster.isSeen(1, "DEV host PB")).isTrue();
            assertThat(cluster.isSeen(1, "eth0 -T vxlan udp port PORT and dst host NB"))
                    .as("behind OUTPUT")
                    .isFalse();
            assertThat(cluster.run(1, cluster.printed("curl -s 127.0.0.1")).output())
                    .containsPattern("reason=\"send_forbidden\".*\\} [1-9]");
            cluster.node(1)
                    .run("iptables", "-D", "OUTPUT", "-p", "udp", "--dport", "8472", "-j", "DROP")
                    .orThrow();

            cluster.node(2)
                    .run("iptables", "-I", "INPUT", "-p", "udp", "--dport", "8472", "-j", "DROP")
                    .orThrow();
            assertThat(cluster.isSeen(2, "eth0 -T vxlan udp port PORT and src host NA"))
                    .isTrue();
            assertThat(cluster.isSeen(2, "DEV host PA")).as("behind INPUT").isFalse();
            cluster.node(2)
                    .run("iptables", "-D", "INPUT", "-p", "udp", "--dport", "8472", "-j", "DROP")
                    .orThrow();

            cluster.node(2)
                    .run("iptables", "-I", "FORWARD", "-p", "icmp", "-j", "DROP")
                    .orThrow();
            assertThat(cluster.isSeen(2, "DEV host PA")).isTrue();
            assertThat(cluster.isSeen(2, "BRIDGE host PA")).as("behind FORWARD").isFalse();
        }
    }

    @Test
    void aDaemonThatIsGoneIsSeenFromBothNodes() {
        try (Cluster cluster = Cluster.open("{\"Type\":\"vxlan\"}", "flannel.1")) {
            Awaitility.await()
                    .atMost(SOON)
                    .until(() -> cluster.node(1).peers().toString().contains("\"reach\":\"answering\""));
            cluster.node(2).kill();

            assertThat(cluster.run(2, cluster.printed("flanneld-j status")).exitStatus())
                    .isEqualTo(3);
            Awaitility.await()
                    .atMost(SOON)
                    .untilAsserted(() -> assertThat(cluster.run(1, cluster.printed("flanneld-j peers"))
                                    .output())
                            .contains("answers no probe, and nothing comes from it"));
        }
    }

    @Test
    void theKernelsTablesAreAsThePageSays() {
        try (Cluster cluster = Cluster.open("{\"Type\":\"vxlan\",\"Datapath\":\"kernel\"}", "flannel.1")) {
            String peer = cluster.names().get("PB_SUBNET").replaceAll("/.*", "");
            assertThat(cluster.run(1, cluster.printed("ip route show PB_SUBNET"))
                            .output())
                    .contains("via " + peer + " dev flannel.1", "onlink");
            assertThat(cluster.run(1, cluster.printed("bridge fdb show")).output())
                    .contains("dst " + cluster.names().get("NB"));
            assertThat(cluster.run(1, cluster.printed("ip neigh show")).output())
                    .contains(peer + " lladdr ");
            assertThat(cluster.run(1, cluster.printed("nft list table")).output())
                    .contains("counter");
        }
        try (Cluster cluster = Cluster.open("{\"Type\":\"host-gw\"}", "eth0")) {
            assertThat(cluster.run(1, cluster.printed("ip route show PB_SUBNET"))
                            .output())
                    .contains("via " + cluster.names().get("NB") + " dev eth0");
        }
    }

    /** With the addresses and names of those pages' examples replaced, and an end where the command has none. */
    @Test
    void theExamplesOfTheOtherPagesWork() {
        try (Cluster cluster = Cluster.open("{\"Type\":\"vxlan\"}", "flannel.1")) {
            Map<String, String> examples = Map.of(
                    "10.5.153.128", cluster.from().address(),
                    "10.5.183.128", cluster.to().address(),
                    "shop/web-1", cluster.from().containerId(),
                    "shop/db-0", cluster.to().containerId(),
                    "192.168.100.2", cluster.node(2).address(),
                    "http://ETCD:2379", "http://" + Lab.SWITCH_ADDRESS + ":2379",
                    "/tmp", cluster.node(1).directory().toString());
            String explain = "docs/explain.md";
            assertThat(example(cluster, explain, "flanneld-j explain 10.5", "", examples))
                    .contains("no link is broken");
            assertThat(example(cluster, explain, "flanneld-j explain shop/web-1 shop/db-0 --live", "", examples))
                    .contains("was sent to " + cluster.node(2).address());
            assertThat(example(cluster, explain, "flanneld-j ping 192", "", examples))
                    .contains("packets pass as they should");
            assertThat(example(cluster, explain, "flanneld-j doctor --etcd", "", examples))
                    .containsPattern("store +etcd at .* answers");
            assertThat(example(cluster, explain, "flanneld-j report --dir", "", examples))
                    .contains("flanneld-j-report-");
            String observe = "docs/observe.md";
            assertThat(example(cluster, observe, "flanneld-j observe --pod", " --seconds 2", examples))
                    .doesNotContain("--help");
            assertThat(example(cluster, observe, "flanneld-j capture -w /tmp", " --max-packets 4", examples))
                    .contains("4 packets");
        }
    }

    private static String example(
            Cluster cluster, String page, String beginning, String end, Map<String, String> examples) {
        String command = cluster.printed(page, beginning) + end;
        for (Map.Entry<String, String> example : examples.entrySet()) {
            command = command.replace(example.getKey(), example.getValue());
        }
        Commands.Result result = cluster.run(1, command);
        assertThat(result.exitStatus())
                .as(command + "\n" + result.output() + result.errors())
                .isIn(0, 1);
        return result.output() + result.errors();
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;

/** Two nodes with pods whose way is explained: one fault after the other, each mended before the next. */
final class ExplainedCluster implements AutoCloseable {
    static final Duration SOON = Duration.ofSeconds(30);

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> START = Set.of("systemctl start flanneld-j", "systemctl restart flanneld-j");
    private static final String ASK_THERE = "flanneld-j explain";
    /** Five seconds on a machine that has nothing else to do; these tests share theirs with many others. */
    private static final Duration BUSY_MACHINE = Duration.ofSeconds(15);

    private static final int MOST_STEPS = 4;

    private final Lab lab;
    private final Pod here;
    private final Pod there;
    private final Pod neighbour;
    private boolean isWhole = true;

    private ExplainedCluster(Lab lab) {
        this.lab = lab;
        this.here = lab.node(1).addPod();
        this.there = lab.node(2).addPod();
        this.neighbour = lab.node(2).addPod();
        assertThat(here.canPing(there)).isTrue();
    }

    /** Starts it. */
    static ExplainedCluster open(String backend, Lab.Underlay underlay, String... flags) {
        Lab lab = Lab.open(2, underlay);
        try {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}");
            lab.nodes().forEach(node -> node.startDaemon(flags));
            lab.nodes().forEach(node -> {
                node.awaitReady();
                node.awaitPeers(1);
            });
            return new ExplainedCluster(lab);
        } catch (RuntimeException | AssertionError e) {
            lab.close();
            throw e;
        }
    }

    Lab lab() {
        return lab;
    }

    Node node(int number) {
        return lab.node(number);
    }

    /** The sender, on node 1. */
    Pod here() {
        return here;
    }

    /** The receiver, on node 2. */
    Pod there() {
        return there;
    }

    /** Whether the last case left it healthy. */
    boolean isWhole() {
        return isWhole;
    }

    /** What explain found on one node. */
    record Said(int exitStatus, JsonNode document, String text, Duration took) {
        JsonNode named() {
            return document.has("broken") ? document.path("broken") : document.path("limited");
        }

        String link() {
            return named().path("link").asText();
        }

        String node() {
            return named().path("node").asText();
        }

        String evidence() {
            return named().path("evidence").asText();
        }

        String remedy() {
            return named().path("remedy").asText();
        }

        /** Whether this node cannot know more, and says where to ask. */
        boolean asksThere() {
            return remedy().startsWith(ASK_THERE);
        }

        @Override
        public String toString() {
            return "status " + exitStatus + " after " + took + "\n" + text;
        }
    }

    Said explain(Node node, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                "explain",
                here.address(),
                there.address(),
                "-o",
                "json",
                "--subnet-file",
                node.subnetFile().toString()));
        command.addAll(List.of(arguments));
        long begin = System.nanoTime();
        Commands.Result result = node.operator(command.toArray(String[]::new));
        Duration took = Duration.ofNanos(System.nanoTime() - begin);
        try {
            Said said = new Said(
                    result.exitStatus(), JSON.readTree(result.output()), result.output() + result.errors(), took);
            System.out.println("explain on " + node.name() + ": " + took.toMillis() + " ms, "
                    + (said.link().isEmpty() ? "nothing" : said.link() + " of " + said.node()) + " is named");
            return said;
        } catch (JsonProcessingException e) {
            throw new AssertionError(result.output() + result.errors(), e);
        }
    }

    List<Said> explainFromBoth(String... arguments) {
        List<CompletableFuture<Said>> both = lab.nodes().stream()
                .map(node -> CompletableFuture.supplyAsync(() -> explain(node, arguments)))
                .toList();
        return both.stream().map(CompletableFuture::join).toList();
    }

    Node nodeAt(String address) {
        return lab.nodes().stream()
                .filter(node -> node.address().equals(address))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no node has the address " + address));
    }

    /** Breaks something by a shell command on a node, in which names stand for addresses and interfaces. */
    void seed(int number, String command) {
        isWhole = false;
        lab.node(number).run("sh", "-c", filledIn(command)).orThrow();
    }

    /** The same between the nodes. */
    void seedBetween(String rules) {
        isWhole = false;
        lab.runOnSwitch("nft", rules).orThrow();
    }

    private String filledIn(String command) {
        return command.replace("THERE", network(there.address()))
                .replace("HERE", network(here.address()))
                .replace("POD", there.address())
                .replace("SENDER", here.address())
                .replace("VETH", veth(there))
                .replace("NETNS", here.namespace())
                .replace("OTHER", neighbour.namespace());
    }

    static String network(String address) {
        return address.substring(0, address.lastIndexOf('.')) + ".0";
    }

    /** The node's end of a pod's pair. */
    private static String veth(Pod pod) {
        String index = pod.run("cat", "/sys/class/net/eth0/iflink").orThrow().strip();
        return pod.node()
                .run("sh", "-c", "ip -o link | sed -n 's/^" + index + ": \\([^@:]*\\).*/\\1/p'")
                .orThrow()
                .strip();
    }

    /** Both nodes name the link, or say that the other node is to be asked, and that names it. */
    List<Said> assertNamed(String fault, int brokenAt, String link) {
        List<Said> both = explainFromBoth();
        assertThat(both).allSatisfy(said -> {
            assertThat(said.took()).as("%s", said).isLessThan(BUSY_MACHINE);
            Said near = said.asksThere() ? explain(nodeAt(said.node())) : said;
            assertThat(near.link()).as("%s, link: %s", fault, near).isEqualTo(link);
            assertThat(near.node())
                    .as("%s, node: %s", fault, near)
                    .isEqualTo(node(brokenAt).address());
        });
        return both;
    }

    /** While a daemon opens its tunnel anew, after a remedy, not all is known for a moment, and nothing is named. */
    private Said explainUntilSure(Node node) {
        AtomicReference<Said> last = new AtomicReference<>();
        Awaitility.await().atMost(SOON).untilAsserted(() -> {
            last.set(explain(node));
            assertThat(last.get())
                    .matches(said -> said.exitStatus() == 0 || said.named().has("link"));
        });
        return last.get();
    }

    /** Follows remedies from a node until nothing is named; an interface that was down has lost its routes as well. */
    void mendFrom(int number) {
        for (int step = 0; step < MOST_STEPS; step++) {
            Said said = explainUntilSure(lab.node(number));
            if (said.exitStatus() == 0) {
                return;
            }
            mend(said);
        }
    }

    /** Does what explain says. A daemon that is not ready yet is waited for. */
    void mend(Said said) {
        Said near = said.asksThere() ? explain(nodeAt(said.node())) : said;
        Node node = nodeAt(near.node());
        if (near.remedy().equals("flanneld-j status")) {
            node.awaitReady();
        } else if (START.contains(near.remedy())) { // there is no systemd in the laboratory
            if (node.isRunning()) {
                node.stop();
            }
            node.start();
            node.awaitPeers(1);
        } else {
            Commands.Result result = node.run("sh", "-c", near.remedy());
            assertThat(result.exitStatus())
                    .as("%s%s of %s", result.output(), result.errors(), near)
                    .isZero();
        }
    }

    /** Starts a daemon on a node whose clock is an hour ahead of everybody's. */
    void startAnHourAhead(Node node) {
        Path library = node.directory().resolve("clock.so");
        Commands.require("cc", "-shared", "-fPIC", "-O1", "-o", library.toString(), clockSource());
        node.startDaemonWith(Map.of("LD_PRELOAD", library.toString()));
        node.awaitReady();
        node.awaitPeers(1);
    }

    private static String clockSource() {
        try {
            return Path.of(ExplainedCluster.class
                            .getResource("/explain/clock.c")
                            .toURI())
                    .toString();
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    void assertHealthy(String fault) {
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(explainFromBoth())
                        .allSatisfy(said -> assertThat(said.exitStatus())
                                .as("%s, mended: %s", fault, said)
                                .isZero()));
        assertThat(here.canPing(there)).as("%s, mended", fault).isTrue();
        isWhole = true;
    }

    @Override
    public void close() {
        lab.close();
    }
}

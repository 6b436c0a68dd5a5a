package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One daemon after another on a node, while pods talk. */
@NeedsPrivileges
class HandoverIT {
    private static final Pattern LOSS = Pattern.compile("(\\d+) packets transmitted, (\\d+) received");
    private static final int INTERVAL_MILLIS = 10;
    private static final String[] FLAGS = {"--keep-on-stop", "--await-predecessor"};

    private Lab lab;
    private Pod here;
    private Pod there;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    private Node twoNodes(String backend) {
        lab = Lab.open(2, Lab.Underlay.ON);
        configure(backend);
        lab.node(1).start(FLAGS);
        lab.node(2).start(FLAGS);
        lab.node(1).awaitPeers(1);
        here = lab.node(1).addPod();
        there = lab.node(2).addPod();
        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> here.canPing(there));
        return lab.node(1);
    }

    private void configure(String backend) {
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":" + backend + "}");
    }

    private interface Change {
        void run() throws IOException;
    }

    /** Pings from here to there while it changes; how long no answer came. */
    private Duration lostDuring(Change change) throws IOException, InterruptedException {
        Path log = lab.node(1).directory().resolve(here.containerId() + ".log");
        Files.deleteIfExists(log); // an earlier one's
        Process ping = lab.node(1)
                .startIn(
                        here, "ping", "-q", "-i", String.valueOf(INTERVAL_MILLIS / 1000.0), "-W", "1", there.address());
        change.run();
        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> here.canPing(there));
        Commands.require("kill", "-INT", String.valueOf(ping.pid()));
        ping.waitFor();
        String said = Files.readString(log);
        Matcher loss = LOSS.matcher(said);
        assertThat(loss.find()).as(said).isTrue();
        int sent = Integer.parseInt(loss.group(1));
        assertThat(sent).as("pings").isPositive();
        return Duration.ofMillis((long) INTERVAL_MILLIS * (sent - Integer.parseInt(loss.group(2))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"Type\":\"host-gw\"}", "{\"Type\":\"vxlan\",\"Datapath\":\"kernel\"}"})
    void whatTheKernelCarriesGoesOnOverARestart(String backend) throws Exception {
        Node node = twoNodes(backend);
        String subnet = node.status().path("subnet").asText();

        Duration lost = lostDuring(() -> {
            assertThat(node.stop()).isZero();
            node.start(FLAGS);
        });

        assertThat(lost).as("without an answer").isZero();
        assertThat(node.status().path("subnet").asText()).isEqualTo(subnet);
        assertThat(node.log()).doesNotContain("anew");
    }

    @Test
    void aRestartThatFailsLeavesWhatHadSurvived() throws Exception {
        Node node = twoNodes("{\"Type\":\"vxlan\",\"Datapath\":\"kernel\"}");
        assertThat(node.stop()).isZero();
        assertThat(here.canPing(there)).isTrue();

        Files.delete(node.subnetFile());
        Files.createDirectories(node.subnetFile().resolve("in-the-way"));
        node.startDaemon(FLAGS);
        assertThat(node.awaitExit()).isEqualTo(1);

        assertThat(here.canPing(there)).as("as before\n" + node.log()).isTrue();
    }

    @Test
    void aSuccessorTakesOverFromADaemonThatStops() throws Exception {
        Node node = twoNodes("{\"Type\":\"vxlan\"}");
        String subnet = node.status().path("subnet").asText();
        long first = node.daemonPid();

        Duration lost = lostDuring(() -> {
            node.startDaemon(FLAGS);
            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> node.log().contains("to take over when it has stopped"));
            assertThat(here.canPing(there)).as("while two are there").isTrue();
            Commands.require("kill", "-TERM", String.valueOf(first));
            Awaitility.await().atMost(Duration.ofSeconds(15)).until(() -> !isAlive(first));
        });

        node.awaitReady();
        assertThat(node.status().path("subnet").asText()).isEqualTo(subnet);
        assertThat(there.canPing(here)).isTrue();
        Duration lostToARestart = lostDuring(() -> {
            node.stop();
            node.startDaemon(FLAGS);
            node.awaitReady();
        });
        assertThat(lost)
                .as("without an answer, on this machine as busy as it is")
                .isLessThan(lostToARestart);
    }

    private static boolean isAlive(long pid) {
        return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    }

    @Test
    void aSuccessorThatIsNotNeededStopsWhenAsked() {
        Node node = twoNodes("{\"Type\":\"udp\"}");
        node.startDaemon(FLAGS);
        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .until(() -> node.log().contains("to take over when it has stopped"));

        assertThat(node.stop()).isZero();

        assertThat(node.readyz()).startsWith("HTTP/1.1 200");
        assertThat(here.canPing(there)).isTrue();
    }

    @Test
    void whatAnEarlierLifeLeftGivesWayToAnotherBackend() {
        Node node = twoNodes("{\"Type\":\"host-gw\"}");
        for (String backend : new String[] {
            "{\"Type\":\"vxlan\",\"Datapath\":\"kernel\"}",
            "{\"Type\":\"vxlan\"}",
            "{\"Type\":\"host-gw\"}",
            "{\"Type\":\"udp\"}"
        }) {
            assertThat(node.stop()).isZero();
            assertThat(lab.node(2).stop()).isZero();
            configure(backend);
            node.start(FLAGS);
            lab.node(2).start(FLAGS);

            Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> here.canPing(there));
            String routes = node.run("ip", "route").output();
            if (backend.contains("kernel")) {
                assertThat(routes).contains("dev flannel.1 proto 85 onlink");
            } else if (!backend.contains("host-gw")) {
                assertThat(routes.lines().filter(route -> route.startsWith("10.5.") && route.contains(" via ")))
                        .as(backend)
                        .isEmpty();
            }
        }
    }

    @Test
    void withoutTheFlagNothingStays() {
        lab = Lab.open(1, Lab.Underlay.ON);
        configure("{\"Type\":\"vxlan\",\"Datapath\":\"kernel\"}");
        Node node = lab.node(1);
        node.start();
        assertThat(node.stop()).isZero();

        assertThat(node.run("ip", "link").output()).doesNotContain("flannel.1");
    }
}

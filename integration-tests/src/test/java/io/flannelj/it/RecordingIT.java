package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Java's flight recorder in a running daemon, by the settings of the distribution. */
@NeedsPrivileges
class RecordingIT {
    private static final String JCMD =
            Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();

    private Lab lab;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    @Test
    void leaseBatchesAndDropsAreRecorded() throws IOException {
        lab = Lab.open(2, Lab.Underlay.ON).configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        Node node = lab.node(1);
        Path loaded = node.directory().resolve("loaded");
        node.startDaemonWith(
                Map.of("FLANNELD_JAVA_OPTS", "-Xlog:class+load:file=" + loaded), "--subnet-lease-ttl", "15");
        lab.node(2).startDaemon();
        lab.nodes().forEach(each -> {
            each.awaitReady();
            each.awaitPeers(1);
        });
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        Path settings = Distribution.home().resolve("lib/flanneld-j.jfc");
        here.run("ping", "-c", "1", there.address());
        assertThat(Files.readAllLines(loaded))
                .as("classes of events, which take a tenth of a second to load")
                .noneMatch(line -> line.contains(".BatchEvent ")
                        || line.contains(".DropEvent ")
                        || line.contains(".LeaseTransition "));
        String before = resident(node);
        assertThat(jcmd(node, "JFR.start", "name=test", "settings=" + settings)).contains("Started recording");

        here.run("ping", "-c", "5", "-i", "0.1", there.address());
        here.run("ping", "-c", "1", "-W", "1", "10.5.250.1");
        Duration late = Duration.ofMinutes(1);
        Wait.until(node::log, late, () -> events(node, "io.flannelj.Lease").contains("renewed"));
        lab.etcd().freeze();
        Wait.until(node::log, late, () -> events(node, "io.flannelj.Lease").contains("fenced"));
        lab.etcd().thaw();

        List<RecordedEvent> all = dump(node);
        System.out.println("resident memory before: " + before + ", while recording: " + resident(node));
        assertThat(of(all, "io.flannelj.Drop"))
                .as("packets without a route")
                .anySatisfy(event -> assertThat(event.getString("reason")).isEqualTo("no_route"));
        assertThat(of(all, "io.flannelj.Batch")).anySatisfy(event -> {
            assertThat(event.getString("direction")).isEqualTo("out");
            assertThat(event.getLong("packets")).isPositive();
            assertThat(event.getThread().getJavaName()).startsWith("flannel-data");
        });
        assertThat(of(all, "io.flannelj.Batch"))
                .anySatisfy(event -> assertThat(event.getString("direction")).isEqualTo("in"));
        assertThat(of(all, "io.flannelj.Lease"))
                .allSatisfy(event -> assertThat(event.getString("subnets")).startsWith("10.5."));
        assertThat(of(all, "jdk.CPULoad")).as("what Java did meanwhile").isNotEmpty();
    }

    private static List<RecordedEvent> of(List<RecordedEvent> events, String type) {
        return events.stream()
                .filter(event -> event.getEventType().getName().equals(type))
                .toList();
    }

    private static List<String> events(Node node, String type) {
        try {
            return of(dump(node), type).stream()
                    .map(event -> event.getString("change"))
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static List<RecordedEvent> dump(Node node) throws IOException {
        Path file = node.directory().resolve("recorded.jfr");
        jcmd(node, "JFR.dump", "name=test", "filename=" + file);
        return RecordingFile.readAllEvents(file);
    }

    private static String resident(Node node) {
        return node.run("sed", "-n", "s/^VmRSS: *//p", "/proc/" + node.daemonPid() + "/status")
                .orThrow()
                .strip();
    }

    private static String jcmd(Node node, String... command) {
        List<String> all = new ArrayList<>(List.of(JCMD, "" + node.daemonPid()));
        all.addAll(List.of(command));
        return Commands.run(all.toArray(String[]::new)).orThrow();
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code flanneld-j replay} of real daemons: who had a subnet at an earlier time, and why it was used or not. */
@NeedsPrivileges
class ReplayIT {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final int MOST_EVENTS = 4 * 32_768; // of one file, see EventFiles

    private static String replay(Node node, String... arguments) {
        String[] command = new String[arguments.length + 3];
        command[0] = "replay";
        command[1] = "--state-dir";
        command[2] = node.directory().resolve("state").toString();
        System.arraycopy(arguments, 0, command, 3, arguments.length);
        Commands.Result result = node.operator(command);
        return result.output() + result.errors();
    }

    /** Once that is written down, which takes a second. */
    private static Instant whenItSays(Node node, String text, String... arguments) {
        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(replay(node, arguments)).contains(text));
        return Instant.now();
    }

    /** So much is written down where somebody fills the store with leases, as many as are read, and changes them. */
    @Test
    void asManyEventsAsThereCanBeAreShown(@TempDir Path state) throws IOException {
        for (String file : new String[] {"events.former.jsonl", "events.jsonl"}) {
            try (BufferedWriter events = Files.newBufferedWriter(state.resolve(file))) {
                for (int i = 0; i < MOST_EVENTS; i++) {
                    int lease = i % 32_768;
                    events.write(String.format(
                            "{\"at\":\"%s\",\"event\":\"peer\",\"key\":\"/coreos.com/network/subnets/10.%d.%d.0-24\","
                                    + "\"subnet\":\"10.%d.%d.0/24\",\"node\":\"127.0.%d.%d\",\"backend\":\"vxlan\","
                                    + "\"problem\":\"its PublicIP is a loopback address: change its lease (%d)\"}%n",
                            Instant.EPOCH.plusSeconds(i),
                            lease >> 8,
                            lease & 255,
                            lease >> 8,
                            lease & 255,
                            lease >> 8,
                            lease & 255,
                            i));
                }
            }
        }

        Commands.Result result = Commands.run(
                Distribution.home().resolve("bin/flanneld-j").toString(),
                "replay",
                "10.5.9.7",
                "--state-dir",
                state.toString());

        assertThat(result.orThrow()).contains("was in 10.5.9.0/24 of 127.0.5.9 by vxlan, not used: ");
    }

    @Test
    void eachEarlierMomentIsShown() {
        try (Lab lab = Lab.open(2, Lab.Underlay.WIRE)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")) {
            Node node = lab.node(1).start();
            String own = lab.leases().get(0).replace('-', '/');
            Instant alone = whenItSays(node, "own lease " + own);
            assertThat(replay(node)).contains("network   10.5.0.0/16, vxlan on flannel.1");

            Node other = lab.node(2).start();
            String subnet = other.status().path("subnet").asText();
            Instant together = whenItSays(node, subnet + " ", subnet);
            String key = Lab.PREFIX + "/subnets/" + subnet.replace('/', '-');
            other.kill();
            lab.etcd().put(key, "{\"PublicIP\":\"127.0.0.1\",\"BackendType\":\"vxlan\"}");
            Instant refused = whenItSays(node, "not used: ", subnet);
            lab.etcd().delete(key);
            Instant gone = whenItSays(node, "nobody had leased " + subnet, subnet);
            assertThat(node.stop()).isZero();

            assertThat(replay(node, subnet, "--at", alone.toString())).contains("nobody had leased " + subnet);
            assertThat(replay(node, subnet, "--at", together.toString()))
                    .contains(subnet + " was in " + subnet + " of " + other.address() + " by vxlan, since ");
            assertThat(replay(node, subnet, "--at", refused.toString()))
                    .contains("of 127.0.0.1 by vxlan, not used: its PublicIP 127.0.0.1 is a loopback address");
            assertThat(replay(node, subnet, "--at", gone.toString()))
                    .contains("nobody had leased", "lease gone: " + key);
            assertThat(replay(node)).contains(", no daemon ran; known last:", "flanneld-j stopped");
            assertThat(replay(node, "--at", "2000-01-01T00:00:00Z")).contains("nothing is written down of 2000-01-01");
            assertThat(replay(node, "--at", "yesterday")).contains("--at must be a time as");
            assertThat(replay(node, subnet, "-o", "json", "--at", together.toString()))
                    .contains("\"node\" : \"" + other.address() + "\"");
        }
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * A pod attacks the HTTP server of its node, which the operator has opened to everybody: probes, the control socket and
 * traffic do not notice.
 */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HttpAttackIT {
    private static final int PORT = 8081;
    private static final int CONNECTIONS = 1500;
    private static final int PROBES = 30;
    private static final Duration PROMPT = Duration.ofMillis(100);

    private static final String FLOOD = """
            my $to = pack_sockaddr_in($ARGV[1], inet_aton($ARGV[0]));
            setpgrp;
            $SIG{TERM} = sub { $SIG{TERM} = 'IGNORE'; kill 'TERM', -$$; exit };
            fork || last for 1 .. 3;
            my $end = time + 60;
            my @open;
            while (time < $end) {
                socket(my $s, PF_INET, SOCK_STREAM, 0) or next;
                $s->blocking(0);
                connect($s, $to);
                push @open, $s;
                splice(@open, 0, 1000) if @open > 4000;
            }
            """;

    private static final String HOST = " HTTP/1.1\r\nHost: a\r\n";

    private final Lab lab = Lab.open(2, Lab.Underlay.ON);
    private final List<SocketChannel> attack = new ArrayList<>();
    private Node node;
    private Pod attacker;
    private Pod neighbour;
    private Pod far;

    @BeforeAll
    void build() {
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        lab.nodes().forEach(each -> each.start("--healthz-ip", "0.0.0.0"));
        lab.nodes().forEach(each -> each.awaitPeers(1));
        node = lab.node(1);
        attacker = node.addPod();
        neighbour = node.addPod();
        far = lab.node(2).addPod();
    }

    @AfterAll
    void tearDown() throws IOException {
        for (SocketChannel each : attack) {
            each.close();
        }
        lab.close();
    }

    @Test
    void probesControlSocketAndTrafficDoNotNotice() throws Exception {
        assertThat(probe().body()).isEqualTo("flanneld is running");
        Pings pings = Pings.start(neighbour, far);

        open("POST /healthz" + HOST + "Content-Length: 60000\r\n\r\n" + "x".repeat(59_000), CONNECTIONS); // never ends
        everybodyElseIsServed("bodies that do not end");
        open("GET /healthz" + HOST + "X-Slow: ", CONNECTIONS);
        everybodyElseIsServed("headers that do not end");
        open("", CONNECTIONS);
        everybodyElseIsServed("connections that say nothing");
        open(("GET /v1/peers" + HOST + "\r\n").repeat(100), 300);
        everybodyElseIsServed("many requests on one connection");
        byte[] garbage = new byte[6000];
        new Random(7).nextBytes(garbage);
        open(new String(garbage, StandardCharsets.ISO_8859_1), 300);
        everybodyElseIsServed("garbage");

        assertThat(pings.stop().lost()).as("lost pings").isZero();
        assertThat(node.log())
                .doesNotContain("Exception", "OutOfMemory")
                .containsOnlyOnce("connections to the HTTP server at 0.0.0.0:8081 were closed to make room");
        assertThat(node.metrics()).containsPattern("flannelj_http_connections_closed_total \\d{4,}");
    }

    /** Four processes that connect as fast as they can keep the queue of connections full. */
    @Test
    void probesDoNotWaitBehindAFullQueue() throws Exception {
        Process flood = node.startIn(
                attacker, "perl", "-MSocket", "-MIO::Handle", "-e", FLOOD, node.address(), String.valueOf(PORT));
        try {
            Thread.sleep(1000);
            everybodyElseIsServed("four processes that connect");
        } finally {
            flood.destroy();
            flood.waitFor();
        }
    }

    /** Opens connections from the pod, says the same on each as far as the daemon takes it, and leaves them open. */
    private void open(String said, int connections) throws IOException {
        byte[] bytes = said.getBytes(StandardCharsets.ISO_8859_1);
        attack.addAll(in(attacker.namespace(), () -> {
            List<SocketChannel> opened = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                SocketChannel channel = SocketChannel.open();
                opened.add(channel);
                try {
                    channel.connect(new InetSocketAddress(node.address(), PORT));
                    channel.configureBlocking(false);
                    channel.write(ByteBuffer.wrap(bytes));
                } catch (IOException e) {
                    channel.close(); // the daemon has closed it: so it may
                }
            }
            return opened;
        }));
    }

    private void everybodyElseIsServed(String during) throws Exception {
        List<Long> millis = new ArrayList<>();
        for (int i = 0; i < PROBES; i++) {
            Probe probe = probe();
            assertThat(probe.body()).as("/healthz during %s", during).isEqualTo("flanneld is running");
            millis.add(probe.took().toMillis());
        }
        millis.sort(null);
        assertThat(millis.get(PROBES * 9 / 10)) // the machine that runs this test is busy
                .as("milliseconds that /healthz took during %s: %s", during, millis)
                .isLessThanOrEqualTo(PROMPT.toMillis());
        assertThat(node.operator("status").output())
                .as("status during %s", during)
                .contains("ready");
    }

    private static <T> T in(String namespace, Callable<T> work) throws IOException {
        try (Netns netns = Netns.open(Path.of("/run/netns", namespace))) {
            return NetnsThread.call(netns, work);
        }
    }

    private record Probe(String body, Duration took) {}

    /** As the kubelet asks. */
    private Probe probe() throws IOException {
        return in(node.namespace(), () -> {
            long begin = System.nanoTime();
            try (SocketChannel channel =
                    SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), PORT))) {
                channel.socket().setSoTimeout(5000);
                channel.write(ByteBuffer.wrap(
                        ("GET /healthz" + HOST + "Connection: close\r\n\r\n").getBytes(StandardCharsets.US_ASCII)));
                String answer = new String(channel.socket().getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
                return new Probe(
                        answer.substring(answer.indexOf("\r\n\r\n") + 4), Duration.ofNanos(System.nanoTime() - begin));
            }
        });
    }
}

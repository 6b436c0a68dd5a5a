package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A node whose answers to {@code explain} are written by somebody who wants to harm the operator of another one. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileAnswersIT {
    /** Answers each query by what a file says: a document, or without end, or a byte now and then. */
    private static final String ANSWER = """
            use Socket; $SIG{PIPE} = 'IGNORE';
            my ($address, $file) = @ARGV;
            socket(my $s, AF_INET, SOCK_STREAM, 0) or die;
            setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1); setsockopt($s, 0, 2, pack('i', 255)) or die;
            bind($s, pack_sockaddr_in(8470, inet_aton($address))) or die "bind: $!"; listen($s, 8) or die;
            while (accept(my $c, $s)) {
                open(my $f, '<', $file); local $/; my $what = <$f>; close $f;
                if (fork() == 0) {
                    my $query; sysread($c, $query, 65536);
                    if ($what eq 'ENDLESS') { 1 while syswrite($c, '[' x 65536); exit; }
                    if ($what eq 'SLOW') { while (syswrite($c, '{')) { sleep 1; } exit; }
                    syswrite($c, $what); exit;
                }
                close $c;
            }
            """;

    private static final String DOCUMENT = "{\"node\":%s,\"version\":\"1\",\"backend\":\"vxlan\",\"mtuBytes\":1450,"
            + "\"clockMillis\":1,\"findings\":[%s],\"pods\":[],\"paths\":[%s],\"seen\":null}";

    /** Written as JSON has it: the byte that a terminal takes for the begin of an order. */
    private static final String ORDER = "\\u001b]0;owned\\u0007";

    private Lab lab;
    private Node node;
    private Pod here;
    private Pod there;
    private Path answer;

    @BeforeAll
    void open() throws IOException {
        lab = Lab.open(2, Lab.Underlay.ON);
        lab.configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        node = lab.node(1);
        node.start();
        lab.node(2).start("--explain-port=0");
        lab.nodes().forEach(each -> each.awaitPeers(1));
        here = node.addPod();
        there = lab.node(2).addPod();
        answer = lab.node(2).directory().resolve("answer");
        answer(DOCUMENT.formatted("\"1\"", "", ""));
        String subnet = lab.node(2).status().path("subnet").asText();
        lab.node(2)
                .start(
                        lab.node(2).directory().resolve("answers.log"),
                        "perl",
                        "-e",
                        ANSWER,
                        subnet.substring(0, subnet.indexOf('/')),
                        answer.toString());
        Wait.until(
                () -> "the node is asked: " + explain().output(),
                Duration.ofSeconds(30),
                () -> explain().output().contains("the clock of"));
    }

    @AfterAll
    void close() {
        lab.close();
    }

    @Test
    void aNodeGivesNoOtherNameThanItsAddress() throws IOException {
        answer(DOCUMENT.formatted("\"" + ORDER + node.address() + "\"", "", ""));

        Commands.Result explained = explain();

        isHarmless(explained);
        assertThat(explained.output()).contains("remedy, on " + lab.node(2).address() + ":");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"verdict\":null,\"node\":\"x\",\"hop\":\"POD\",\"evidence\":\"\",\"remedy\":\"\"}",
                "{\"verdict\":\"BROKEN\",\"node\":null,\"hop\":null,\"evidence\":\"\",\"remedy\":\"\"}",
                "{\"verdict\":\"BROKEN\",\"hop\":\"POD\",\"evidence\":null,\"remedy\":null}",
                "{\"verdict\":\"" + ORDER + "\"}",
                "{\"verdict\":\"BROKEN\",\"node\":\"" + ORDER + "\",\"hop\":\"POD\",\"evidence\":\"" + ORDER
                        + "\",\"remedy\":\"" + ORDER + "\"}",
                "null",
                "[[[[[[[[[[[[[[[[[["
            })
    void aFindingThatIsNoneIsNotBelieved(String finding) throws IOException {
        answer(DOCUMENT.formatted("\"1\"", finding, ""));

        isHarmless(explain());
        isHarmless(ping());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"subnet\":null,\"device\":null,\"sent\":1,\"roundTripMillis\":[1],\"segmentation\":null}",
                "{\"subnet\":\"\",\"device\":\"" + ORDER + "\",\"roundTripMillis\":[],\"segmentation\":\"WORKS\"}",
                "{\"subnet\":\"\",\"device\":\"x\",\"roundTripMillis\":[null],\"segmentation\":\"WORKS\"}",
                "{\"subnet\":\"\",\"device\":\"x\",\"roundTripMillis\":[],\"segmentation\":\"" + ORDER + "\"}"
            })
    void aPathThatIsNoneIsNotBelieved(String path) throws IOException {
        answer(DOCUMENT.formatted("\"1\"", "", path));

        isHarmless(ping());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"isKnown\":true,\"problem\":null,\"packets\":[]}",
                "{\"isKnown\":false,\"problem\":null,\"packets\":[]}",
                "{\"isKnown\":true,\"problem\":\"\",\"packets\":[{}]}",
                "{\"isKnown\":true,\"problem\":\"\",\"packets\":null}"
            })
    void packetsThatAreNoneAreNotBelieved(String seen) throws IOException {
        answer(DOCUMENT.formatted("\"1\"", "", "").replace("\"seen\":null", "\"seen\":" + seen));

        isHarmless(node.operator("explain", here.address(), there.address(), "--live", "--wait", "3s"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ENDLESS", "SLOW", "", "\u001b[2Jx", "{\"\u001b[2J\":1}"})
    void anAnswerThatIsNoneIsGivenUp(String what) throws IOException {
        answer(what);

        long begin = System.nanoTime();
        isHarmless(explain());
        isHarmless(ping());
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(60));
    }

    /** As a node too busy to read the question in time does; a firewall would not have let it connect. */
    @Test
    void whoClosesWithoutAnAnswerIsNotTakenForAFirewall() throws IOException {
        answer("");

        assertThat(explain().output())
                .contains("closed the connection without an answer")
                .doesNotContain("a firewall");
    }

    private void answer(String what) throws IOException {
        Files.writeString(answer, what);
    }

    private Commands.Result explain() {
        return node.operator("explain", here.address(), there.address());
    }

    private Commands.Result ping() {
        return node.operator("ping", lab.node(2).address());
    }

    /** It said something, in lines, that gives a terminal no orders, and did not fail by it. */
    private static void isHarmless(Commands.Result result) {
        String all = result.output() + result.errors();
        assertThat(all.codePoints().filter(c -> c != '\n' && Character.isISOControl(c)))
                .as(all)
                .isEmpty();
        assertThat(all).doesNotContain("Exception", "\tat ").isNotBlank();
        assertThat(List.of(0, 4, 5, 10, 11, 12)).contains(result.exitStatus());
    }
}

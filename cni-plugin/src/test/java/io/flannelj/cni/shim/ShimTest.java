package io.flannelj.cni.shim;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShimTest {
    private static final String CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

    private static String response(int status, String body) {
        return "HTTP/1.1 " + status + " X\r\nContent-Type: a\r\nCONTENT-Length: "
                + body.getBytes(StandardCharsets.UTF_8).length + "\r\nconnection: close\r\n\r\n" + body;
    }

    @Test
    void handsCallAndDescriptorToTheDaemonAndPrintsItsAnswer() {
        MemoryHost host = MemoryHost.calling("ADD");
        host.daemonSays.addAll(List.of(CONTINUE, response(200, "{\"ips\":[\"ü\"]}")));

        assertThat(new Shim(host).run()).isZero();

        assertThat(host.printed).hasToString("{\"ips\":[\"ü\"]}\n");
        assertThat(host.connectedTo).isEqualTo("/run/x.sock");
        assertThat(host.sent.toString())
                .startsWith("POST /v1/cni HTTP/1.1\r\n")
                .contains(
                        "Cni-Netns: descriptor 4:4026531840\r\n",
                        "CNI_COMMAND=ADD\0CNI_NETNS=/run/netns/a\0\0" + host.input)
                .doesNotContain("SHELL")
                .endsWith("<descriptor>");
    }

    @Test
    void anAnswerInAnyPiecesIsTheSame() {
        String whole = CONTINUE + response(422, "{\"code\":7}");
        for (int piece = 1; piece < whole.length(); piece++) {
            MemoryHost host = MemoryHost.calling("ADD");
            for (int at = 0; at < whole.length(); at += piece) {
                host.daemonSays.add(whole.substring(at, Math.min(whole.length(), at + piece)));
            }
            assertThat(new Shim(host).run()).isEqualTo(1);
            assertThat(host.printed).hasToString("{\"code\":7}\n");
        }
    }

    @Test
    void anAddThatTheDaemonBrokeOffIsToBeTriedAgain() {
        String whole = CONTINUE + response(200, "{\"ips\":[]}");
        for (int length = 0; length < whole.length(); length++) {
            MemoryHost host = MemoryHost.calling("ADD");
            host.daemonSays.add(whole.substring(0, length));
            assertThat(new Shim(host).run()).isEqualTo(1);
            assertThat(host.printed.toString())
                    .startsWith("{\"cniVersion\":\"0.4.0\",\"code\":11,")
                    .contains("/run/x.sock did not finish");
            assertThat(host.carriedOut).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"DEL", "CHECK", "GC", "STATUS"})
    void whatCanBeRepeatedIsRepeatedHereWhenTheDaemonBreaksOff(String command) {
        MemoryHost host = MemoryHost.calling(command);
        host.daemonSays.add("HTTP/1.1 503 X\r\nContent-Length: 4\r\n\r\nbusy");
        assertThat(new Shim(host).run()).isZero();
        assertThat(host.carriedOut)
                .startsWith(command + ": the flanneld-j at /run/x.sock")
                .contains("503 busy");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ADD", "DEL", "CHECK", "GC", "STATUS"})
    void withoutADaemonTheCallIsCarriedOutHere(String command) {
        MemoryHost host = MemoryHost.calling(command);
        host.daemonListens = false;
        assertThat(new Shim(host).run()).isZero();
        assertThat(host.carriedOut).contains("no flanneld-j answers at /run/x.sock: connection refused");
    }

    @Test
    void aDaemonThatDoesNotSeeTheNamespaceLeavesTheCallToUs() {
        MemoryHost host = MemoryHost.calling("ADD");
        host.netns = Host.Netns.SEEN;
        host.daemonSays.add(response(421, "no"));
        assertThat(new Shim(host).run()).isZero();
        assertThat(host.carriedOut).contains("does not see CNI_NETNS");
    }

    @Test
    void aboutAndVersionNeedNoDaemon() {
        MemoryHost about = new MemoryHost(Map.of());
        assertThat(new Shim(about).run()).isZero();
        assertThat(about.printed).isEmpty();
        MemoryHost version = MemoryHost.calling("VERSION");
        assertThat(new Shim(version).run()).isZero();
        assertThat(version.printed.toString()).startsWith("{\"cniVersion\":\"0.4.0\",\"supportedVersions\":[\"0.3.0\"");
        assertThat(version.connectedTo).isEmpty();
    }

    @Test
    void fieldsAreFoundWhereverTheyStand() {
        assertThat(Shim.field("{ \"controlSocket\" :\n \"/a\" }", "controlSocket", "d"))
                .isEqualTo("/a");
        for (String json : List.of(
                "",
                "{",
                "{\"controlSocket\"",
                "{\"controlSocket\":",
                "{\"controlSocket\":7}",
                "{\"controlSocket\":\"\"}",
                "{\"controlSocket\":\"/a",
                "{\"controlSocket\":\"\\u002fa\"}",
                "{\"x\":\"controlSocket\"}")) {
            assertThat(Shim.field(json, "controlSocket", "d")).as(json).isEqualTo("d");
        }
    }

    @Test
    void whateverTheDaemonSaysTheAnswerIsTheDaemonsOrAnError() {
        SplittableRandom random = new SplittableRandom(6);
        String whole = CONTINUE + response(200, "{}");
        for (int i = 0; i < 20_000; i++) {
            StringBuilder said = new StringBuilder(whole);
            for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
                said.setCharAt(random.nextInt(said.length()), (char) random.nextInt(1, 256));
            }
            MemoryHost host = MemoryHost.calling("ADD");
            host.daemonSays.add(said.toString());
            int status = new Shim(host).run();
            assertThat(host.printed.toString() + host.carriedOut)
                    .as(said.toString())
                    .doesNotContain("\"code\":999");
            assertThat(status == 0 || host.printed.toString().contains("\"code\":11,") || said.indexOf(" 422 ") > 0)
                    .as(said.toString())
                    .isTrue();
        }
    }
}

package io.flannelj.cni.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.cni.Invocation;
import io.flannelj.cni.shim.Frames.Outcome;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShimTest {
    private static MemoryHost answered(String command, Outcome outcome, String text) {
        MemoryHost host = MemoryHost.calling(command);
        host.daemonSays.add(Frames.answer(outcome, text));
        return host;
    }

    @Test
    void handsTheCallToTheDaemonAndPrintsItsAnswer() {
        MemoryHost host = answered("ADD", Outcome.DONE, "{\"ips\":[\"ü\"]}");

        assertThat(new Shim(host).run()).isZero();

        assertThat(host.printed).hasToString("{\"ips\":[\"ü\"]}\n");
        assertThat(host.connectedTo).isEqualTo("/run/x.sock.cni");
        String call = "4:4026531840\nCNI_COMMAND=ADD\0CNI_NETNS=/run/netns/a\0\0" + host.input;
        assertThat(host.sent).hasToString("\0\0\0" + (char) call.length() + call);
    }

    /** What another plugin answered, or a pod's arguments say, names no socket. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prevResult\":{\"controlSocket\":\"/tmp/x\"},\"controlSocket\":\"/run/x.sock\"}",
                "{\"args\":{\"cni\":{\"controlSocket\":\"/tmp/x\"}},\"controlSocket\" : \"/run/x.sock\"}",
                "{\"controlSocket\":\"/run/x.sock\",\"plugins\":[{\"controlSocket\":\"/tmp/x\"}]}",
                "{\"name\":\"a\\\",\\\"controlSocket\\\":\\\"/tmp/x\",\"controlSocket\":\"/run/x.sock\"}",
                "{\"name\":\"controlSocket\",\"controlSocket\":\"/run/x.sock\"}",
                "{\"controlSocket\":\"/tmp/x\",\"controlSocket\":\"/run/x.sock\"}"
            })
    void theControlSocketIsReadOfTheOutermostObject(String input) {
        MemoryHost host = answered("ADD", Outcome.DONE, "{}");
        host.input = input;
        new Shim(host).run();
        assertThat(host.connectedTo).isEqualTo("/run/x.sock.cni");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{\"controlSocket",
                "{\"controlSocket\"",
                "{\"controlSocket\":",
                "{\"controlSocket\":\"",
                "{\"controlSocket\":\"\"}",
                "{\"controlSocket\":7}",
                "{\"controlSocket\":\"a\\\\b\"}",
                "{\"delegate\":{\"controlSocket\":\"/tmp/x\"}}",
                "]}\"controlSocket\":\"/tmp/x\""
            })
    void withoutAControlSocketItIsTheUsualOne(String input) {
        MemoryHost host = answered("ADD", Outcome.DONE, "{}");
        host.input = input;
        new Shim(host).run();
        assertThat(host.connectedTo).isEqualTo(Shim.DEFAULT_SOCKET + ".cni");
    }

    @Test
    void aCallComesBackAsItWas() {
        Invocation invocation = new Invocation(Map.of("CNI_COMMAND", "ADD"), "{\n}");
        byte[] frame = Frames.call(invocation, "4:5");
        assertThat(Frames.number(frame, 0)).isEqualTo(frame.length - Frames.CALL_HEAD);
        byte[] call = Arrays.copyOfRange(frame, Frames.CALL_HEAD, frame.length);
        assertThat(Frames.decode(call)).isEqualTo(new Frames.Call("4:5", invocation));
        for (int length = 0; length < call.length - invocation.stdin().length(); length++) {
            byte[] part = Arrays.copyOf(call, length);
            assertThatThrownBy(() -> Frames.decode(part)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aNamespaceThatIsNotThereIsNotNamed() {
        MemoryHost host = answered("ADD", Outcome.FAILED, "{}");
        host.netnsFound = false;
        assertThat(new Shim(host).run()).isEqualTo(1);
        assertThat(host.sent.substring(Frames.CALL_HEAD)).startsWith("\nCNI_COMMAND=ADD");
    }

    @Test
    void anAnswerInAnyPiecesIsTheSame() {
        byte[] whole = Frames.answer(Outcome.FAILED, "{\"code\":7}");
        for (int piece = 1; piece < whole.length; piece++) {
            MemoryHost host = MemoryHost.calling("ADD");
            for (int at = 0; at < whole.length; at += piece) {
                host.daemonSays.add(Arrays.copyOfRange(whole, at, Math.min(whole.length, at + piece)));
            }
            assertThat(new Shim(host).run()).isEqualTo(1);
            assertThat(host.printed).hasToString("{\"code\":7}\n");
        }
    }

    @Test
    void anAddThatTheDaemonBrokeOffIsToBeTriedAgain() {
        byte[] whole = Frames.answer(Outcome.DONE, "{\"ips\":[]}");
        for (int length = 0; length < whole.length; length++) {
            MemoryHost host = MemoryHost.calling("ADD");
            host.daemonSays.add(Arrays.copyOf(whole, length));
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
        MemoryHost host = answered(command, Outcome.REFUSED, "busy");
        assertThat(new Shim(host).run()).isZero();
        assertThat(host.carriedOut)
                .startsWith(command + ": the flanneld-j at /run/x.sock")
                .contains("busy");
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
        MemoryHost host = answered("ADD", Outcome.UNSEEN, "");
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
        byte[] whole = Frames.answer(Outcome.DONE, "{}");
        for (int i = 0; i < 20_000; i++) {
            byte[] said = whole.clone();
            for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
                said[random.nextInt(said.length)] = (byte) random.nextInt(256);
            }
            MemoryHost host = MemoryHost.calling("ADD");
            host.daemonSays.add(said);
            int status = new Shim(host).run();
            assertThat(host.printed.toString() + host.carriedOut)
                    .as(Arrays.toString(said))
                    .doesNotContain("\"code\":999");
            assertThat(status == 0 || host.printed.toString().contains("\"code\":11,") || said[0] == 'f')
                    .as(Arrays.toString(said))
                    .isTrue();
        }
    }
}

package io.flannelj.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class InvocationTest {
    private static final Invocation CALL = new Invocation(
            Map.of("CNI_COMMAND", "ADD", "CNI_ARGS", "A=1;B=\r\nX: y", "CNI_NETNS", ""), "{\"name\":\"fün\u0000\"}");

    @Test
    void everyVariableAndTheInputArriveAsTheyWere() {
        assertThat(Invocation.decode(CALL.encode())).isEqualTo(CALL);
        Invocation empty = new Invocation(Map.of(), "");
        assertThat(Invocation.decode(empty.encode())).isEqualTo(empty);
    }

    @Test
    void aCallCutOffInItsVariablesIsRefused() {
        byte[] whole = CALL.encode();
        int variables = whole.length - CALL.stdin().getBytes(StandardCharsets.UTF_8).length;
        for (int length = 0; length < variables; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> Invocation.decode(cut)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void variablesNobodyKnowsAreRefused() {
        for (String block : new String[] {"LD_PRELOAD=x\0\0", "CNI_COMMAND\0\0", "=\0\0"}) {
            assertThatThrownBy(() -> Invocation.decode(block.getBytes(StandardCharsets.UTF_8)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void randomBytesAreACallOrRefused() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = CALL.encode();
            for (int flips = random.nextInt(1, 5); flips > 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                assertThat(Invocation.decode(bytes).variables()).hasSizeLessThan(8);
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageStartingWith("a CNI call");
            }
        }
    }
}

package io.flannelj.probe.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class PacketTooBigsTest {
    private static final Instant START = Instant.EPOCH;

    private int errors;
    private int readings;

    private String counts() {
        readings++;
        return "Icmp6InDestUnreachs\t7\nIcmp6InPktTooBigs  \t" + errors + "\nIcmp6InTimeExcds\t9\n";
    }

    @Test
    void theKernelIsAskedOnceASecondAndEachErrorIsToldOnce() {
        PacketTooBigs tooBigs = new PacketTooBigs(this::counts);
        assertThat(tooBigs.haveCome(START)).isFalse();

        errors++;
        for (int millis = 0; millis < 1000; millis += 100) {
            assertThat(tooBigs.haveCome(START.plusMillis(millis))).isFalse();
        }
        assertThat(readings).isEqualTo(2);
        assertThat(tooBigs.haveCome(START.plusMillis(1000))).isTrue();
        assertThat(tooBigs.haveCome(START.plusMillis(2000))).isFalse();
    }

    @Test
    void aKernelWithoutIpv6HasNone() {
        assertThat(new PacketTooBigs(() -> "").haveCome(START)).isFalse();
    }
}

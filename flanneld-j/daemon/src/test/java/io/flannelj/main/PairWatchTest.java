package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PairWatchTest {
    /** The daemon has 192 MiB, and ends where they do not suffice. */
    @Test
    void whatAnotherNodeAsksForTakesLittleMemoryWithManyWorkers() {
        assertThat(PairWatch.ringBytes(1)).isEqualTo(1 << 20);
        assertThat(PairWatch.ringBytes(4)).isEqualTo(1 << 20);
        assertThat(64 * PairWatch.ringBytes(64)).isEqualTo(16 << 20);
    }
}

package io.flannelj.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProcNetTest {
    @Test
    void aFileIsReadAndOneThatIsMissingIsEmpty() {
        assertThat(ProcNet.read("dev").lines()).anyMatch(line -> line.strip().startsWith("lo:"));
        assertThat(ProcNet.read("missing")).isEmpty();
    }
}

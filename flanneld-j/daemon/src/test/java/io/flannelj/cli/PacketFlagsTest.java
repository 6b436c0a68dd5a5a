package io.flannelj.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class PacketFlagsTest {
    @Test
    void aNodeWithoutALeaseIsNamedWithThoseThatHaveOne() {
        assertThat(PacketFlags.strange("192.0.2.9", List.of("192.0.2.1", "192.0.2.2")))
                .contains("--peer 192.0.2.9 is no other node with a lease; known are: 192.0.2.1, 192.0.2.2");
        assertThat(PacketFlags.strange("192.0.2.9", List.of()))
                .hasValueSatisfying(line -> assertThat(line).endsWith("known are: none"));
        assertThat(PacketFlags.strange("192.0.2.1", List.of("192.0.2.1"))).isEmpty();
    }

    @Test
    void nothingIsSaidOfTheSecondAddressOfANode() {
        assertThat(PacketFlags.strange("2001:db8::9", List.of("192.0.2.1"))).isEmpty();
        assertThat(PacketFlags.strange("2001:db8::9", List.of("2001:db8::1"))).isPresent();
        assertThat(PacketFlags.strange("2001:db8::9", List.of())).isPresent();
    }

    @Test
    void aLongListAndAHostileNameStayOneShortLine() {
        assertThat(PacketFlags.strange("192.0.2.9", Collections.nCopies(5000, "a\u009b2J\n")))
                .hasValueSatisfying(
                        line -> assertThat(line).hasSizeLessThan(600).doesNotContain("\u009b", "\n"));
    }
}

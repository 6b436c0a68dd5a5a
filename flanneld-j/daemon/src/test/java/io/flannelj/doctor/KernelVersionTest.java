package io.flannelj.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelVersionTest {
    @ParameterizedTest
    @CsvSource({
        "6.6.44, true",
        "6.6.45-cloud, false",
        "7.0.0-22-generic, true",
        "7.0, true",
        "7.1.4, true",
        "7.1.5, false",
        "7.2.0, false",
        "6.18.44-fc-v857, false",
        "5.15.0-100-generic, false",
    })
    void knownFaultsAreKnownByVersion(String release, boolean faulty) {
        assertThat(KernelVersion.parse(release).orElseThrow().fault())
                .as(release)
                .satisfies(fault -> assertThat(fault.isPresent()).isEqualTo(faulty));
    }
}

package io.flannelj.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ConfigExceptionTest {
    @Test
    void problemsStandInLinesOrInOne() {
        ConfigException two = new ConfigException("the network config", List.of("A: is wrong", "B: is, too"));

        assertThat(two).hasMessage("the network config has 2 problems:\n  A: is wrong\n  B: is, too");
        assertThat(two.oneLine()).isEqualTo("the network config has 2 problems: A: is wrong; B: is, too");
    }

    @Test
    void aLineFeedInsideAProblemIsEscaped() {
        ConfigException one = new ConfigException("the network config", List.of("A: is \"x\ny\""));

        assertThat(one.oneLine()).isEqualTo("the network config has a problem: A: is \"x\\ny\"");
        assertThat(one).hasMessage(one.oneLine());
    }
}

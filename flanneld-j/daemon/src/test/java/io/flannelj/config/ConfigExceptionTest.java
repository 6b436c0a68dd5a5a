package io.flannelj.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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

    /** A megabyte in etcd where the network config should be was a megabyte in the log, in {@code status} and at {@code /readyz}. */
    @Test
    void whatStandsWhereTheConfigShouldBeIsNotShownWhole() {
        for (String config :
                List.of("[" + "7,".repeat(500_000) + "7]", "{\"Network\":[" + "7,".repeat(500_000) + "7]}")) {
            assertThatThrownBy(() -> NetworkConfig.parse(config))
                    .isInstanceOfSatisfying(
                            ConfigException.class,
                            refused -> assertThat(refused.oneLine() + refused.getMessage() + refused.problems())
                                    .contains(" characters)")
                                    .hasSizeLessThan(5_000));
        }
    }
}

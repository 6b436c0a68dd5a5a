package io.flannelj.backend.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ExtensionCommandTest {
    private static final Map<String, String> VARIABLES = Map.of("SUBNET", "10.5.2.0/24", "ODD", "a b;c $x");

    @Test
    void wordsAreSplitBeforeVariablesAreExpanded() {
        assertThat(ExtensionCommand.words("  ip route	add $SUBNET dev=${SUBNET}x '$ODD' $NOBODY_SET_THIS", VARIABLES))
                .containsExactly("ip", "route", "add", "10.5.2.0/24", "dev=10.5.2.0/24x", "'a b;c $x'", "");
    }

    @Test
    void noShellIsInvolved() throws IOException {
        assertThat(new ExtensionCommand("SubnetAddCommand", "echo a && echo $ODD | cat").run(VARIABLES, ""))
                .isEqualTo("a && echo a b;c $x | cat");
    }

    @Test
    void inputAndEnvironmentReachTheCommand() throws IOException {
        assertThat(new ExtensionCommand("SubnetAddCommand", "cat").run(VARIABLES, "data"))
                .isEqualTo("data");
        assertThat(new ExtensionCommand("SubnetAddCommand", "printenv SUBNET").run(VARIABLES, ""))
                .isEqualTo("10.5.2.0/24");
    }

    @Test
    void aFailureNamesTheOptionAndWhatWasPrinted() {
        assertThatThrownBy(() -> new ExtensionCommand("SubnetAddCommand", "ls /no/such/file").run(VARIABLES, ""))
                .hasMessageContaining("Backend.SubnetAddCommand: ended with status 2")
                .hasMessageContaining("/no/such/file");
        assertThatThrownBy(() -> new ExtensionCommand("PreStartupCommand", "/no/such/program").run(VARIABLES, ""))
                .hasMessageContaining("Backend.PreStartupCommand: /no/such/program cannot be run");
    }
}

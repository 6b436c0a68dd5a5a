package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who asks a script what it does installs, builds and measures nothing. */
class ScriptHelpIT {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "deploy/prepare",
                "deploy/quickstart",
                "integration-tests/run",
                "integration-tests/peers",
                "integration-tests/previous",
                "integration-tests/fuzz",
                "integration-tests/class-list",
                "integration-tests/packages/run",
                "integration-tests/kernel/run",
                "integration-tests/kind/run",
                "integration-tests/bench/cni",
                "integration-tests/bench/overlay",
                "integration-tests/bench/scale"
            })
    void helpIsAnsweredWithoutDoingAnything(String script) throws Exception {
        Path tools = Files.createTempDirectory("flannelj-help");
        try {
            // Whatever installs, builds or changes the network would be one of these.
            for (String tool : List.of("apt-get", "mvn", "go", "ip", "mmdebstrap", "unshare")) {
                Path trap = tools.resolve(tool);
                Files.writeString(trap, "#!/bin/sh\necho " + tool + " >> " + tools.resolve("called") + "\n");
                trap.toFile().setExecutable(true);
            }

            Commands.Result help = Commands.run(
                    "env",
                    "PATH=" + tools + ":" + System.getenv("PATH"),
                    ROOT.resolve(script).toString(),
                    "--help");

            assertThat(help.orThrow()).contains(script.substring(script.lastIndexOf('/') + 1));
            assertThat(tools.resolve("called")).doesNotExist();
        } finally {
            Commands.run("rm", "-rf", tools.toString());
        }
    }
}

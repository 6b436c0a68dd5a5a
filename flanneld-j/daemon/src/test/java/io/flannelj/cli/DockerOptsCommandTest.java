package io.flannelj.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The forms of flannel's mk-docker-opts.sh. */
class DockerOptsCommandTest {
    private static final String INDIVIDUAL = """
            DOCKER_OPT_BIP="--bip=10.1.74.1/24"
            DOCKER_OPT_IPMASQ="--ip-masq=true"
            DOCKER_OPT_MTU="--mtu=1472"
            """;
    private static final String OPTIONS = "\" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472\"\n";

    @TempDir
    Path directory;

    private Path subnetFile;
    private Path output;
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void setUp() throws IOException {
        subnetFile = directory.resolve("subnet.env");
        output = directory.resolve("docker_opts.env");
        write("false");
    }

    private void write(String ipMasq) throws IOException {
        Files.writeString(
                subnetFile,
                "FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=" + ipMasq
                        + "\n");
    }

    private int run(String... flags) {
        String[] all = new String[flags.length + 5];
        all[0] = "docker-opts";
        all[1] = "-f";
        all[2] = subnetFile.toString();
        all[3] = "-d";
        all[4] = output.toString();
        System.arraycopy(flags, 0, all, 5, flags.length);
        Invocation done =
                new CommandLine(Map.of(), new PrintWriter(new StringWriter()), new PrintWriter(err), "test").read(all);
        return done instanceof Invocation.Done ended ? ended.exitStatus() : -1;
    }

    @Test
    void bothFormsUnlessOneIsAskedFor() {
        assertThat(run("--whole-subnet")).isZero();
        assertThat(output).hasContent(INDIVIDUAL + "DOCKER_OPTS=" + OPTIONS);
        assertThat(run("--whole-subnet", "-i")).isZero();
        assertThat(output).hasContent(INDIVIDUAL);
        assertThat(run("--whole-subnet", "-c", "-k", "DOCKER_NETWORK_OPTIONS")).isZero();
        assertThat(output).hasContent("DOCKER_NETWORK_OPTIONS=" + OPTIONS);
    }

    @Test
    void masqueradingIsTheInverseOfFlannelds() throws IOException {
        write("true");
        assertThat(run("-c")).isZero();
        assertThat(output).content().contains("--ip-masq=false");
        assertThat(run("-c", "-m")).isZero();
        assertThat(output).content().doesNotContain("ip-masq");
        write("perhaps");
        assertThat(run()).isEqualTo(1);
        assertThat(err.toString()).contains("FLANNEL_IPMASQ must be true or false, was perhaps");
    }

    @Test
    void dockerTakesTheLowerHalf() {
        assertThat(run("-c")).isZero();
        assertThat(output).content().contains("--bip=10.1.74.1/24 --fixed-cidr=10.1.74.0/25");
    }

    @Test
    void aMissingSubnetFileIsNamed() throws IOException {
        Files.delete(subnetFile);
        assertThat(run()).isEqualTo(1);
        assertThat(err.toString()).contains("subnet.env");
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * In CI 100,000 random and mutated calls, and as many that Jazzer makes up; a longer run by {@code -Dflannelj.cniMutants=N
 * -Dflannelj.cniSeed=S} and {@code -Dflannelj.cniFuzz=N}.
 */
@NeedsPrivileges
class CniFuzzIT {
    private static final int MUTANTS = Integer.getInteger("flannelj.cniMutants", LongRun.IN_CI ? 100_000 : 5_000);
    private static final long SEED = Long.getLong("flannelj.cniSeed", 6);

    private static final int ONE_PROCESS = 100_000;
    private static final int FUZZED = Integer.getInteger("flannelj.cniFuzz", 100_000);

    /** Folders of its own, and little else to be written to (the JVM needs /tmp): some calls are good enough to be obeyed. */
    private static final String SANDBOX =
            "for dir in /run /var/lib /opt /mnt /etc/cni; do [ ! -d $dir ] || mount -t tmpfs none $dir; done;"
                    + " mount --bind /tmp /tmp; mount -o remount,bind,ro / || true; cd /run && exec \"$JAVA\" -Xmx256m -Djava.io.tmpdir=/run"
                    + " --enable-native-access=ALL-UNNAMED -cp \"$CLASSES\" ";

    @Test
    void whateverIsAskedTheAnswerIsAResultOrAWellFormedError() {
        for (int done = 0; done < MUTANTS; done += ONE_PROCESS) {
            int count = Math.min(ONE_PROCESS, MUTANTS - done);
            Commands.Result result = mutate(count, SEED + done);
            assertThat(result.succeeded()).as(result.output() + result.errors()).isTrue();
            assertThat(result.output()).contains(count + " calls", "0 answered wrongly");
        }
    }

    @Test
    @LongRun
    void whatJazzerThinksOfIsAnsweredAsWell(@TempDir Path seeds) throws IOException {
        for (String seed : CniMutations.CONFIGURATIONS) {
            Files.writeString(seeds.resolve("seed-" + seed.hashCode()), seed);
        }
        Commands.Result result = inSandbox("com.code_intelligence.jazzer.Jazzer"
                + " --target_class=io.flannelj.it.CniFuzz --instrumentation_includes=io.flannelj.cni.**:io.flannelj.net.**"
                + " --disabled_hooks='com.code_intelligence.jazzer.sanitizers.*' --reproducer_path=/run"
                + " -runs=" + FUZZED + " -seed=" + SEED + " -artifact_prefix=/run/ -max_len=4096 /run " + seeds);
        assertThat(result.succeeded()).as(result.output() + result.errors()).isTrue();
        assertThat(result.errors()).contains("Done " + FUZZED + " runs");
    }

    private static Commands.Result mutate(int count, long seed) {
        return inSandbox("io.flannelj.it.CniMutations " + count + " " + seed);
    }

    private static Commands.Result inSandbox(String command) {
        return Commands.run(
                List.of("unshare", "--net", "--mount", "sh", "-c", SANDBOX + command),
                "",
                Map.of(
                        "JAVA",
                        ProcessHandle.current().info().command().orElse("java"),
                        "CLASSES",
                        System.getProperty("java.class.path")));
    }
}

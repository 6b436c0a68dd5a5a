package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** 100,000 random and mutated calls; a longer run by {@code -Dflannelj.cniMutants=N -Dflannelj.cniSeed=S}. */
@NeedsPrivileges
class CniFuzzIT {
    private static final int MUTANTS = Integer.getInteger("flannelj.cniMutants", 100_000);
    private static final long SEED = Long.getLong("flannelj.cniSeed", 6);

    private static final int ONE_PROCESS = 100_000;

    @Test
    void whateverIsAskedTheAnswerIsAResultOrAWellFormedError() {
        for (int done = 0; done < MUTANTS; done += ONE_PROCESS) {
            int count = Math.min(ONE_PROCESS, MUTANTS - done);
            Commands.Result result = mutate(count, SEED + done);
            assertThat(result.succeeded()).as(result.output() + result.errors()).isTrue();
            assertThat(result.output()).contains(count + " calls", "0 answered wrongly");
        }
    }

    private static Commands.Result mutate(int count, long seed) {
        String sandbox =
                "for dir in /run /var/lib /opt /mnt /etc/cni; do [ ! -d $dir ] || mount -t tmpfs none $dir; done;"
                        + " exec \"$JAVA\" -Xmx256m -cp \"$CLASSES\" io.flannelj.it.CniMutations " + count + " " + seed;
        return Commands.run(
                List.of("unshare", "--net", "--mount", "sh", "-c", sandbox),
                "",
                Map.of(
                        "JAVA",
                        ProcessHandle.current().info().command().orElse("java"),
                        "CLASSES",
                        System.getProperty("java.class.path")));
    }
}

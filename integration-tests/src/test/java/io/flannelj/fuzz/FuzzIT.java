package io.flannelj.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.it.LongRun;
import io.flannelj.lab.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every target for a second or two, the same inputs each time; minutes of each, led by coverage, by {@code integration-tests/fuzz}. */
class FuzzIT {
    private static final Path SEEDS = Path.of("fuzz-seeds");
    private static final long RANDOM_SEED = 6;
    private static final int JAZZER_RUNS = 1_000;

    @ParameterizedTest
    @EnumSource
    void everyPromiseHolds(Target target) throws IOException {
        List<byte[]> seeds = Mutations.seeds(SEEDS.resolve(target.label()));
        assertThat(seeds).isNotEmpty();
        new Mutations(seeds, RANDOM_SEED).run(target, target.mutants());
    }

    @Test
    void everyBufferIsReleased() {
        for (TunnelFixture.Kind kind : TunnelFixture.Kind.values()) {
            new TunnelFixture(kind).close();
        }
    }

    @Test
    @LongRun
    void jazzerLeadsATarget(@TempDir Path work) throws IOException {
        Commands.Result result = Commands.run(
                List.of(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xmx512m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "com.code_intelligence.jazzer.Jazzer",
                        "--target_class=" + Target.LEASE_KEY.type().getName(),
                        "--instrumentation_includes=io.flannelj.lease.**:io.flannelj.net.**",
                        "--reproducer_path=" + work,
                        "-artifact_prefix=" + work + "/",
                        "-runs=" + JAZZER_RUNS,
                        "-seed=" + RANDOM_SEED,
                        Files.createDirectory(work.resolve("found")).toString(),
                        SEEDS.resolve(Target.LEASE_KEY.label()).toString()),
                "",
                Map.of());
        assertThat(result.succeeded()).as(result.output() + result.errors()).isTrue();
        assertThat(result.errors()).contains("Done " + JAZZER_RUNS + " runs");
    }
}

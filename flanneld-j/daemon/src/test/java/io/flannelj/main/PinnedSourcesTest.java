package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What others publish under a name that they can move, a tag, is taken by its content. */
class PinnedSourcesTest {
    private static final Path ROOT = Path.of("../..");
    private static final Pattern USES = Pattern.compile("uses: *(\\S+)");
    private static final Pattern FROM = Pattern.compile("(?m)^FROM +(\\S+)");

    @Test
    void actionsAreTakenByCommit() throws IOException {
        try (Stream<Path> workflows = Files.list(ROOT.resolve(".github/workflows"))) {
            for (Path workflow : workflows.toList()) {
                assertThat(named(USES, workflow))
                        .as(workflow.toString())
                        .isNotEmpty()
                        .allMatch(action -> action.matches("\\S+@[0-9a-f]{40}"));
            }
        }
    }

    @Test
    void imagesAreTakenByDigest() throws IOException {
        assertThat(named(FROM, ROOT.resolve("Dockerfile")))
                .isNotEmpty()
                .allMatch(image -> image.matches("\\S+@sha256:[0-9a-f]{64}"));
    }

    private static List<String> named(Pattern pattern, Path file) throws IOException {
        return pattern.matcher(Files.readString(file))
                .results()
                .map(found -> found.group(1))
                .toList();
    }
}

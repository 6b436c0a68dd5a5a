package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The version is said in the root's pom.xml; where it cannot be read from there, it is the same ({@code deploy/set-version}). */
class OneVersionTest {
    private static final Path ROOT = Path.of("../..");

    private static String version() throws IOException {
        return found("<revision>(.*)</revision>", "pom.xml").get(0);
    }

    private static List<String> found(String pattern, String file) throws IOException {
        return Pattern.compile(pattern, Pattern.MULTILINE)
                .matcher(Files.readString(ROOT.resolve(file)))
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    @Test
    void theChartIsOfTheDaemonsVersion() throws IOException {
        assertThat(found("^(?:version|appVersion): (.*)$", "deploy/chart/flanneld-j/Chart.yaml"))
                .hasSize(2)
                .containsOnly(version());
    }

    @ParameterizedTest
    @ValueSource(strings = {"flanneld-j.yml", "uninstall.yml"})
    void manifestsNameTheImageOfThisVersion(String manifest) throws IOException {
        assertThat(found("image: flanneld-j:(.*)$", "deploy/kubernetes/" + manifest))
                .isNotEmpty()
                .containsOnly(version());
    }

    @Test
    void theChangelogBeginsWithThisVersion() throws IOException {
        assertThat(found("^## \\[(.*?)]", "docs/CHANGELOG.md").get(0)).isEqualTo(version());
    }

    @Test
    void theDocumentsNameFilesOfThisVersion() throws IOException {
        Pattern named = Pattern.compile("flanneld-j[:_-](\\d+\\.\\d+\\.\\d+)");
        try (Stream<Path> pages = Stream.concat(
                Stream.of(ROOT.resolve("README.md")),
                Stream.of("kubernetes.md", "releasing.md")
                        .map(page -> ROOT.resolve("docs").resolve(page)))) {
            for (Path page : pages.toList()) {
                assertThat(named.matcher(Files.readString(page)).results().map(match -> match.group(1)))
                        .as(page.toString())
                        .allMatch(version()::equals);
            }
        }
    }
}

package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The lists that {@code flanneld-j --archive} works from: a class that is renamed leaves the archive, and nobody says so. */
class ClassListTest {
    private static final Path LISTS = Path.of("../../deploy/src/main");

    @ParameterizedTest
    @ValueSource(strings = {"flanneld-j.classes", "flanneld-j-kube.classes"})
    void everyClassOfOursThatAListNamesExists(String list) throws IOException {
        List<String> ours = Files.readAllLines(LISTS.resolve(list)).stream()
                .filter(line -> line.startsWith("io/flannelj/"))
                .toList();

        assertThat(ours)
                .as("%s: rename or remove the line; integration-tests/class-list writes all anew", list)
                .isNotEmpty()
                .allMatch(name -> getClass().getClassLoader().getResource(name + ".class") != null);
    }
}

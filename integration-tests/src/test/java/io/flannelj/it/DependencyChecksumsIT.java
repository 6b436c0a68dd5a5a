package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Distribution;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Maven downloads is what {@code .mvn/checksums} lists, tried with this build's wrapper and settings, and without network. */
class DependencyChecksumsIT {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path LIST = Path.of(".mvn/checksums/checksums.sha256");
    private static final String PLUGIN = "org/apache/maven/plugins/maven-resources-plugin/";

    @TempDir
    private Path directory;

    private Path project;
    private Path source;
    private String plugin;

    /** A project that needs one plugin, and a source of files that is a copy of this machine's local repository. */
    @BeforeEach
    void makeProject() throws IOException {
        plugin = listed().keySet().stream()
                .filter(path -> path.startsWith(PLUGIN) && path.endsWith(".jar"))
                .findFirst()
                .orElseThrow();
        String version = plugin.substring(PLUGIN.length()).split("/", 2)[0];
        project = directory.resolve("project");
        source = directory.resolve("source");
        Commands.require("cp", "-rs", localRepository().toString(), source.toString());
        Files.createDirectories(project);
        Commands.require(
                "cp",
                "-r",
                ROOT.resolve(".mvn").toString(),
                ROOT.resolve("mvnw").toString(),
                project.toString());
        Files.writeString(project.resolve("pom.xml"), """
                <project>
                  <modelVersion>4.0.0</modelVersion>
                  <groupId>example</groupId><artifactId>example</artifactId><version>1</version><packaging>pom</packaging>
                  <build><plugins><plugin>
                    <artifactId>maven-resources-plugin</artifactId><version>%s</version>
                    <executions><execution><phase>validate</phase><goals><goal>resources</goal></goals></execution></executions>
                  </plugin></plugins></build>
                </project>
                """.formatted(version));
        Files.writeString(project.resolve("settings.xml"), """
                <settings><mirrors><mirror>
                  <id>source</id><mirrorOf>*</mirrorOf><url>file://%s</url>
                </mirror></mirrors></settings>
                """.formatted(source));
    }

    /** JUnit would warn of each link that leads out of its folder. */
    @AfterEach
    void removeLinks() {
        Commands.require("rm", "-r", source.toString());
    }

    @Test
    void whatIsAsListedBuilds() {
        Commands.Result build = build();

        assertThat(build.exitStatus()).as(build.output()).isZero();
        assertThat(build.output()).contains("resources");
    }

    /** With a checksum beside it that agrees, as whoever can replace one file can replace two. */
    @Test
    void anotherFileThanTheListedOneEndsTheBuild() throws Exception {
        Path jar = source.resolve(plugin);
        byte[] bytes = Files.readAllBytes(jar);
        bytes[bytes.length / 2] ^= 1;
        replace(jar, bytes);
        replace(Path.of(jar + ".sha1"), hash("SHA-1", bytes).getBytes(StandardCharsets.US_ASCII));

        Commands.Result build = build();

        assertThat(build.exitStatus()).isNotZero();
        assertThat(build.output())
                .contains("Checksum validation failed, expected '" + listed().get(plugin) + "' (PROVIDED)")
                .contains(hash("SHA-256", bytes))
                .contains(plugin.substring(plugin.lastIndexOf('/') + 1));
    }

    @Test
    void whatTheDistributionContainsIsListed() throws Exception {
        List<String> hashes = List.copyOf(listed().values());
        try (Stream<Path> jars = Files.list(Distribution.home().resolve("lib"))) {
            for (Path jar : jars.toList()) {
                String name = jar.getFileName().toString();
                if (name.endsWith(".jar") && !name.startsWith("flanneld-j-") && !name.startsWith("flannelj-")) {
                    assertThat(hash("SHA-256", Files.readAllBytes(jar)))
                            .as(name)
                            .isIn(hashes);
                }
            }
        }
    }

    private Commands.Result build() {
        return Commands.run(
                List.of(
                        project.resolve("mvnw").toString(),
                        "-B",
                        "-f",
                        project.toString(),
                        "-s",
                        project.resolve("settings.xml").toString(),
                        "-Dmaven.repo.local=" + directory.resolve("local"),
                        "validate"),
                "",
                Map.of());
    }

    private static void replace(Path link, byte[] content) throws IOException {
        Files.deleteIfExists(link);
        Files.write(link, content);
    }

    private static Map<String, String> listed() throws IOException {
        Map<String, String> hashes = new HashMap<>();
        for (String line : Files.readAllLines(ROOT.resolve(LIST))) {
            String[] parts = line.split("  ", 2);
            hashes.put(parts[1], parts[0]);
        }
        return hashes;
    }

    /** Where the libraries of this test come from. */
    private static Path localRepository() {
        String jar = Assertions.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath();
        return Path.of(jar.substring(0, jar.indexOf("/org/assertj/")));
    }

    private static String hash(String algorithm, byte[] bytes) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    }
}

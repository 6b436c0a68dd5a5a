package io.flannelj.main;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.domain.PackageMatcher;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Checks the code against the table of packages in docs/architecture.md, which says what each package may use. */
class ArrowsTest {
    private static final Path PAGE = Path.of("../../docs/architecture.md");
    private static final String OURS = "io.flannelj.";
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");

    private static final JavaClasses CODEBASE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("test-classes") && !location.contains("-tests.jar"))
            .importPackages("io.flannelj");

    /**
     * A row of the table.
     *
     * @param packages full names
     * @param uses what each of them may use besides itself, the JDK and the nullness annotations; {@code a..} means a and
     *     below
     */
    record Row(List<String> packages, List<String> uses) {
        @Override
        public String toString() {
            return String.join(", ", packages);
        }
    }

    static List<Row> rows() throws IOException {
        String page = Files.readString(PAGE);
        int begin = page.indexOf("\n## Packages\n");
        assertThat(begin).as("the heading Packages in %s", PAGE).isNotNegative();
        String section = page.substring(begin + 1, page.indexOf("\n## ", begin + 1));
        List<Row> rows = new ArrayList<>();
        for (String line : section.lines().toList()) {
            String[] cells = line.split("\\|", -1);
            if (cells.length == 6 && cells[1].contains("`")) {
                rows.add(new Row(
                        names(cells[1]).map(name -> OURS + name).toList(),
                        Stream.concat(names(cells[3]).map(name -> OURS + name), names(cells[4]))
                                .toList()));
            }
        }
        return rows;
    }

    private static Stream<String> names(String cell) {
        return CODE.matcher(cell).results().map((MatchResult match) -> match.group(1));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void packageUsesOnlyWhatTheTableAllows(Row row) {
        for (String name : row.packages()) {
            List<String> allowed = new ArrayList<>(row.uses());
            allowed.addAll(List.of(name, "java..", "javax.net.ssl", "org.jspecify.annotations"));
            classes()
                    .that()
                    .resideInAPackage(name)
                    .should()
                    .onlyDependOnClassesThat(DescribedPredicate.or(
                            JavaClass.Predicates.resideInAnyPackage(allowed.toArray(new String[0])),
                            DescribedPredicate.describe(
                                    "are primitive",
                                    type -> type.getBaseComponentType().isPrimitive())))
                    .check(CODEBASE);
        }
    }

    @ParameterizedTest
    @MethodSource("rows")
    void tableAllowsNothingThatIsUnused(Row row) {
        List<String> used = CODEBASE.stream()
                .filter(type -> row.packages().contains(type.getPackageName()))
                .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
                .map(Dependency::getTargetClass)
                .map(type -> type.getBaseComponentType().getPackageName())
                .distinct()
                .toList();
        assertThat(row.uses()).allSatisfy(allowed -> assertThat(used).anyMatch(PackageMatcher.of(allowed)::matches));
    }

    @Test
    void tableNamesEveryPackageOnce() throws IOException {
        assertThat(rows().stream().flatMap(row -> row.packages().stream()))
                .containsExactlyInAnyOrderElementsOf(CODEBASE.stream()
                        .map(JavaClass::getPackageName)
                        .distinct()
                        .filter(name -> !name.equals("io.flannelj.main")) // the composition root may use everything
                        .toList());
    }

    @Test
    void nobodyUsesTheCompositionRoot() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.flannelj.main")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.flannelj.main")
                .check(CODEBASE);
    }

    @Test
    void packagesFormNoCycle() {
        SlicesRuleDefinition.slices()
                .matching("io.flannelj.(**)")
                .namingSlices("$1")
                .should()
                .beFreeOfCycles()
                .check(CODEBASE);
    }

    /**
     * Inside of a package one of two files is above the other, so that each can be read without the one above it. Those that
     * may know each other: a sealed type and its members, a value and the enum of its kinds, a command and its parent, by
     * which picocli reaches the common flags.
     */
    private static final Set<String> TWINS = Set.of(
            "backend.Prepared TunnelSpec",
            "backend.Prepared PreparedBackend",
            "config.EtcdOptions StoreOptions",
            "config.KubeOptions StoreOptions",
            "net.Cidr IpFamily",
            "net.IpAddress IpFamily",
            "packet.IcmpError Icmpv4Error",
            "packet.IcmpError Icmpv6Error",
            "packet.IpHeader Ipv4Header",
            "packet.IpHeader Ipv6Header",
            "cli.BenchCommand CommandLine",
            "cli.CleanupCommand CommandLine",
            "cli.CommandLine DoctorCommand",
            "cli.CommandLine ExplainCommand",
            "cli.CommandLine LeasesCommand");

    @Test
    void noTwoFilesOfAPackageKnowEachOther() {
        Set<String> found = new TreeSet<>();
        for (JavaClass one : CODEBASE) {
            for (Dependency dependency : one.getDirectDependenciesFromSelf()) {
                JavaClass from = outermost(one);
                JavaClass to = outermost(dependency.getTargetClass());
                if (!from.equals(to) && from.getPackage().equals(to.getPackage()) && knows(to, from)) {
                    List<String> names = Stream.of(from, to)
                            .map(JavaClass::getSimpleName)
                            .sorted()
                            .toList();
                    found.add(from.getPackageName().substring(OURS.length()) + "." + String.join(" ", names));
                }
            }
        }
        found.removeAll(TWINS);
        assertThat(found).isEmpty();
    }

    private static boolean knows(JavaClass one, JavaClass other) {
        return CODEBASE.stream()
                .filter(part -> outermost(part).equals(one))
                .flatMap(part -> part.getDirectDependenciesFromSelf().stream())
                .anyMatch(dependency -> outermost(dependency.getTargetClass()).equals(other));
    }

    private static JavaClass outermost(JavaClass one) {
        JavaClass outermost = one.getBaseComponentType();
        while (outermost.getEnclosingClass().isPresent()) {
            outermost = outermost.getEnclosingClass().get();
        }
        return outermost;
    }

    @Test
    void oneClassBindsTheCLibraryAndOneLibpcap() {
        noClasses()
                .that()
                .haveNameNotMatching("io\\.flannelj\\.linux\\.(LibC|PcapFilter)(\\$.*)?")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jnr..")
                .check(CODEBASE);
    }

    /** Who decides about leases is told the time and the store's answers, and can be asked the same again. */
    @Test
    void theLeaseMachineHasNoClockNoThreadAndNoFile() {
        noClasses()
                .that()
                .resideInAnyPackage("io.flannelj.lease.machine", "io.flannelj.lease.pool")
                .should()
                .dependOnClassesThat()
                .haveNameMatching("java\\.time\\.Clock|java\\.lang\\.(System|Thread|Process.*)"
                        + "|java\\.(net|nio|util\\.concurrent)\\..*|java\\.io\\.(File|IO).*")
                .orShould()
                .callMethod(Instant.class, "now")
                .check(CODEBASE);
    }

    /** NullAway checks only code below {@code @NullMarked}; a package without it would be unchecked. */
    @Test
    void everyPackageIsNullMarked() {
        assertThat(CODEBASE.stream()
                        .map(JavaClass::getPackage)
                        .distinct()
                        .filter(pkg -> !pkg.isAnnotatedWith(NullMarked.class))
                        .map(JavaPackage::getName))
                .isEmpty();
    }
}

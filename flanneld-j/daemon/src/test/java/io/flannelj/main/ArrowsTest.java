package io.flannelj.main;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Which room may touch which: the table in docs/architecture.md, held by a machine. A new room is added to both. */
class ArrowsTest {
    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("test-classes") && !location.contains("-tests.jar"))
            .importPackages("io.flannelj");

    private static final String EPOLL = "io.netty.channel..";

    /** Room → what it may touch besides itself, the JDK and the nullness annotations. {@code a..} means a and below. */
    private static final Map<String, List<String>> ROOMS = new TreeMap<>();

    static {
        room("net");
        room("linux", "jnr..", "net");
        room("netlink", "linux", "net");
        room("netns", "linux");
        room("packetfilter", "linux");

        room("cni");
        room("cni.shim", "cni");
        room("cni.main", "cni", "cni.engine", "cni.shim", "jdk.net");
        room("cni.server", "cni", "cni.shim", "linux");
        room("cni.engine", "cni", "linux", "net", "netlink", "netns", "packetfilter", "com.fasterxml.jackson..");

        room("packet", "io.netty.buffer");
        room("config", "net", "com.fasterxml.jackson..");
        room("device", "linux", "net", "netlink", "io.netty.buffer", "io.netty.util..", EPOLL);
        room(
                "datapath",
                "datapath.offload",
                "device",
                "linux",
                "net",
                "packet",
                "io.netty.buffer",
                "io.netty.util..",
                EPOLL);
        room("datapath.offload", "device", "packet", "io.netty.buffer");
        room("lease", "config", "net", "com.fasterxml.jackson..", "org.slf4j");
        room("lease.pool", "lease", "config", "net");
        room("lease.machine", "lease", "lease.pool", "config");
        room("lease.loop", "lease", "lease.machine", "config", "linux", "org.slf4j");
        room("lease.etcd", "lease", "config", "net", "io.etcd..", "io.grpc..", "org.slf4j");
        also("lease.etcd", "io.netty.handler.ssl");
        room("lease.kube", "lease", "config", "net", "io.fabric8..", "com.fasterxml.jackson..", "org.slf4j");
        String[] backend = {"config", "datapath", "device", "lease", "linux", "net", "netlink", "packet", "org.slf4j"};
        room("backend", backend);
        also("backend", "com.fasterxml.jackson.."); // tunnels.json
        for (String kind : List.of(
                "alloc", "extension", "geneve", "hostgw", "ipip", "udp", "vxlan")) { // siblings never import siblings
            room(
                    "backend." + kind,
                    Stream.concat(Stream.of(backend), Stream.of("backend", "io.netty.buffer"))
                            .toArray(String[]::new));
        }
        for (String kind : List.of("extension", "geneve", "vxlan")) { // whose leases carry data
            also("backend." + kind, "com.fasterxml.jackson..");
        }
        also("backend.ipip", "datapath.offload");
        room("firewall", "config", "linux", "net", "packetfilter");
        room("metrics", "datapath", "lease", "io.micrometer..");
        room("admin", "metrics", "lease", "com.fasterxml.jackson..", "io.netty..", "org.slf4j");
        room("bench", "backend.udp", "backend.vxlan", "datapath", "device", "net", "packet", "io.netty.buffer");
        room("cleanup", "backend", "config", "firewall", "lease", "net", "netlink");
        room(
                "cli",
                "bench",
                "cleanup",
                "config",
                "lease",
                "lease.pool",
                "net",
                "com.fasterxml.jackson..",
                "com.sun.management",
                "picocli");
    }

    private static void room(String name, String... mayTouch) {
        ROOMS.put(name, new ArrayList<>(List.of(mayTouch)));
    }

    private static void also(String name, String mayTouch) {
        ROOMS.get(name).add(mayTouch);
    }

    static Stream<String> rooms() {
        return ROOMS.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("rooms")
    void roomTouchesOnlyWhatItMay(String room) {
        List<String> allowed = new ArrayList<>(List.of("io.flannelj." + room, "java..", "javax.net.ssl"));
        allowed.add("org.jspecify.annotations");
        for (String name : ROOMS.get(room)) {
            allowed.add(isOurs(name) ? "io.flannelj." + name : name);
        }
        classes()
                .that()
                .resideInAPackage("io.flannelj." + room)
                .should()
                .onlyDependOnClassesThat(DescribedPredicate.or(
                        JavaClass.Predicates.resideInAnyPackage(allowed.toArray(new String[0])),
                        DescribedPredicate.describe(
                                "are primitive",
                                type -> type.getBaseComponentType().isPrimitive())))
                .check(HOUSE);
    }

    private static boolean isOurs(String name) {
        return ROOMS.containsKey(name.replace("..", ""));
    }

    @Test
    void everyRoomIsInTheTable() {
        assertThat(HOUSE.stream()
                        .map(JavaClass::getPackageName)
                        .distinct()
                        .map(name -> name.replaceFirst("io\\.flannelj\\.", ""))
                        .filter(name -> !name.equals("main"))) // the composition root touches everything
                .isSubsetOf(ROOMS.keySet());
    }

    @Test
    void nobodyTouchesTheCompositionRoot() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.flannelj.main")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.flannelj.main")
                .check(HOUSE);
    }

    @Test
    void roomsFormNoCycle() {
        SlicesRuleDefinition.slices()
                .matching("io.flannelj.(**)")
                .namingSlices("$1")
                .should()
                .beFreeOfCycles()
                .check(HOUSE);
    }

    @Test
    void onlyOneClassBindsTheCLibrary() {
        noClasses()
                .that()
                .haveNameNotMatching("io\\.flannelj\\.linux\\.LibC(\\$.*)?")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jnr..")
                .check(HOUSE);
    }

    /** NullAway looks only where {@code @NullMarked} stands; a package without it would be unchecked. */
    @Test
    void everyPackageIsNullMarked() {
        assertThat(HOUSE.stream()
                        .map(JavaClass::getPackage)
                        .distinct()
                        .filter(pkg -> !pkg.isAnnotatedWith(NullMarked.class))
                        .map(JavaPackage::getName))
                .isEmpty();
    }

    @Test
    void architectureNamesEveryRoom() throws Exception {
        String page = Files.readString(Path.of("../../docs/architecture.md"));
        assertThat(ROOMS.keySet()).allSatisfy(room -> assertThat(page).contains("`" + room + "`"));
    }
}

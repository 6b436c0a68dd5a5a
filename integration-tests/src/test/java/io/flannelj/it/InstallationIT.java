package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Machine;
import io.flannelj.lab.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The package for Debian on machines of their own with systemd: installed, run, updated, removed. Needs Go, which builds
 * what packs it. {@code -Dflannelj.root=DIR} takes another root than this machine's (integration-tests/packages/run).
 */
@NeedsPrivileges
class InstallationIT {
    private static final Path ROOT = Path.of(System.getProperty("flannelj.root", "/"));
    private static final String EARLIER = "0.1.9";

    /** What the machines see as {@code /srv}. */
    @TempDir
    private static Path packages;

    private Lab lab;
    private final List<Machine> machines = new ArrayList<>();

    @BeforeAll
    static void build() {
        assumeTrue(Commands.exists("go"), "no Go, which builds nfpm");
        assumeTrue(Commands.exists("dpkg-deb"), "no Debian");
        assumeTrue(
                Files.isDirectory(Path.of("/sys/fs/cgroup/unified"))
                        || Files.exists(Path.of("/sys/fs/cgroup/cgroup.procs")),
                "no cgroup v2");
        build("deb");
    }

    private static void build(String format) {
        for (String version : List.of(EARLIER, version())) {
            Commands.run(
                            List.of("../deploy/packages/build", format),
                            "",
                            Map.of("OUT", packages.toString(), "VERSION", version))
                    .orThrow();
        }
    }

    private static String version() {
        return Commands.require("../deploy/set-version").strip();
    }

    private static String fileOf(String version) {
        return "flanneld-j_" + version + "-1_"
                + Commands.require("dpkg", "--print-architecture").strip() + ".deb";
    }

    @BeforeEach
    void open() {
        lab = Lab.open(0, Lab.Underlay.ON);
    }

    @AfterEach
    void close() {
        machines.forEach(Machine::close);
        lab.close();
    }

    /** Boots a machine with the package in root's home, at an address of those for documentation. */
    private Machine boot(String address) {
        Node node = lab.addNode();
        for (List<String> command : List.of(
                List.of("ip", "address", "flush", "dev", "eth0"),
                List.of("ip", "address", "add", address + "/24", "dev", "eth0"),
                List.of("ip", "route", "add", "default", "via", "192.0.2.254"))) {
            node.run(command.toArray(String[]::new)).orThrow();
        }
        Machine machine = Machine.boot(node, ROOT, packages);
        machines.add(machine);
        machine.run("cp", "/srv/" + fileOf(version()), "/root/").orThrow();
        // It reaches no mirror: what the package depends on is there, what it recommends may not be.
        type(machine, "echo 'APT::Install-Recommends \"false\";' >/etc/apt/apt.conf.d/90lab");
        return machine;
    }

    /** What the lines print; where they fail, with what the daemon said. */
    private static String type(Machine machine, String lines) {
        Commands.Result result = machine.type(lines);
        if (!result.succeeded()) {
            String journal = machine.run("journalctl", "-u", "flanneld-j", "--no-pager", "-n", "60")
                    .output();
            throw new AssertionError(result.output() + result.errors() + "\n" + journal);
        }
        return result.output();
    }

    @Test
    void thePackageHoldsWhatItShould() {
        String file = packages.resolve(fileOf(version())).toString();
        assertThat(Commands.require("dpkg-deb", "--info", file))
                .contains(" Package: flanneld-j\n", " Version: " + version() + "-1\n", "java17-runtime-headless")
                .contains("iptables", "nftables", " postinst ", " prerm ", " postrm ", "conffiles");
        assertThat(Commands.require("dpkg-deb", "--ctrl-tarfile", file)).isNotEmpty();
        String contents = Commands.require("dpkg-deb", "--contents", file);
        assertThat(contents)
                .contains(
                        "./usr/lib/systemd/system/flanneld-j.service",
                        "./usr/sbin/flanneld-j -> /usr/lib/flanneld-j/bin/flanneld-j",
                        "./opt/cni/bin/flannel-j -> /usr/lib/flanneld-j/cni/flannel-j",
                        "./usr/lib/cni/flannel-j -> /usr/lib/flanneld-j/cni/flannel-j",
                        "./usr/share/man/man8/flanneld-j-status.8.gz",
                        "./usr/share/bash-completion/completions/flanneld-j",
                        "./usr/share/doc/flanneld-j/copyright",
                        "./usr/share/doc/flanneld-j/changelog.gz")
                .containsPattern("-rw-r----- root/root .* ./etc/default/flanneld-j")
                .containsPattern("-rwxr-xr-x root/root .* ./usr/lib/flanneld-j/cni/flannel-j\n")
                .doesNotContain(".jsa", "aarch64");
        assertThat(contents.lines()).allMatch(line -> line.contains(" root/root "));
    }

    @Test
    void theSameFilesGiveTheSameBytes(@TempDir Path again) throws IOException {
        Commands.run(
                        List.of("sh", "-c", "umask 077 && exec ../deploy/packages/build deb"),
                        "",
                        Map.of("OUT", again.toString(), "TZ", "Asia/Tokyo"))
                .orThrow();
        assertThat(again.resolve(fileOf(version()))).hasSameBinaryContentAs(packages.resolve(fileOf(version())));
    }

    @Test
    void theReadmeAsPrintedLeadsFromNothingToAPingAndBack() {
        Machine etcd = boot("192.0.2.10");
        List<Machine> nodes = List.of(boot("192.0.2.1"), boot("192.0.2.2"));
        Map<String, List<Machine>> where =
                Map.of("on etcd", List.of(etcd), "on each node", nodes, "on node 1", nodes.subList(0, 1));
        List<String> before = nodes.get(0).listing();
        etcd.run("systemctl", "stop", "etcd");

        for (DocBlock.Listed entry : DocBlock.Listed.all()) {
            String text = entry.page().equals("README.md") && where.containsKey(entry.how())
                    ? entry.block().text()
                    : "";
            // The shell of a person keeps what it was told; each block here has a shell of its own.
            String remembered = "[ ! -f /root/.variables ] || . /root/.variables\n";
            String remember = "\nexport -p | grep CNI_ >/root/.variables || true";
            for (Machine machine : text.isEmpty() ? List.<Machine>of() : where.get(entry.how())) {
                type(machine, remembered + text + remember);
            }
        }

        nodes.get(0).run("rm", "-f", "/root/.variables", "/etc/cni/net.d/10-podnet.conflist");
        Set<String> after = new HashSet<>(nodes.get(0).listing());
        Set<String> gone = new HashSet<>(before);
        gone.removeAll(after);
        before.forEach(after::remove);
        assertThat(gone).as("what was there before and is not after").isEmpty();
        assertThat(after).as("what is there only after").allMatch(InstallationIT::isLeftByOthers);
        assertThat(nodes.get(0).run("ip", "-br", "link").output()).doesNotContain("flannel");
        assertThat(nodes.get(0).run("iptables-save").output()).doesNotContain("FLANNEL");
    }

    /** The folder of all runtimes' networks, which the README itself makes; and what apt's own followers write. */
    private static boolean isLeftByOthers(String line) {
        return line.matches("d /etc/cni(/net[.]d)? ") || line.contains(" /var/lib/PackageKit/");
    }

    /**
     * The package for Fedora and RHEL, by rpm on this machine's system, for want of a mirror of theirs: its files and scripts.
     * That its dependencies have these names there is not tried.
     */
    @Test
    void theRpmIsInstalledUpdatedAndErased() {
        assumeTrue(Commands.exists("rpm"), "no rpm");
        assumeTrue(Files.exists(ROOT.resolve("usr/bin/rpm")), "no rpm in that root");
        build("rpm");
        Machine machine = boot("192.0.2.10");
        type(machine, """
                apt-get install -y etcd-server etcd-client
                systemctl start etcd
                etcdctl put /coreos.com/network/config '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}'\
                """);
        List<String> before = machine.listing();

        type(
                machine,
                "rpm -i --nodeps /srv/flanneld-j-" + EARLIER
                        + "-1.*.rpm\n[ $(systemctl is-active flanneld-j) = inactive ]"
                        + "\necho FLANNELD_ETCD_ENDPOINTS=http://127.0.0.1:2379 >>/etc/default/flanneld-j"
                        + "\nsystemctl start flanneld-j\nls /var/cache/flanneld-j/*.jsa");
        assertThat(type(machine, "flanneld-j status")).contains("ready");
        String process = type(machine, "systemctl show -p MainPID flanneld-j");
        String subnet = type(machine, "grep SUBNET /run/flannel/subnet.env");

        type(machine, "rpm -U --nodeps /srv/flanneld-j-" + version() + "-1.*.rpm");
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> machine.type("flanneld-j status").output().contains("ready"));
        assertThat(type(machine, "systemctl show -p MainPID flanneld-j")).isNotEqualTo(process);
        assertThat(type(machine, "rpm -q flanneld-j")).contains("flanneld-j-" + version() + "-1.");
        assertThat(type(machine, "grep SUBNET /run/flannel/subnet.env")).isEqualTo(subnet);
        assertThat(type(
                        machine,
                        "ls /usr/libexec/cni/flannel-j && test -s /usr/libexec/cni/flannel-j && man -w flanneld-j"))
                .contains("flanneld-j.8");

        type(machine, "rpm -e flanneld-j");
        assertThat(machine.type("systemctl status flanneld-j").exitStatus()).isEqualTo(4); // no such unit
        assertThat(machine.run("ip", "-br", "link").output()).doesNotContain("flannel");
        assertThat(machine.run("iptables-save").output()).doesNotContain("FLANNEL");
        Set<String> left = new HashSet<>(machine.listing());
        before.forEach(left::remove);
        assertThat(left)
                .as(
                        "settings that were changed, as rpm does with all packages, and the state, which a new installation takes up")
                .allMatch(line -> line.matches("f /etc/default/flanneld-j[.]rpmsave |[fd] /var/lib/flannel-j.*")
                        || isLeftByOthers(line));
    }

    @Test
    @LongRun
    void anUpdateUnderTrafficKeepsTheSubnetAndLosesLittle() throws IOException {
        Machine etcd = boot("192.0.2.10");
        Machine one = boot("192.0.2.1");
        Machine two = boot("192.0.2.2");
        type(etcd, """
                echo 'ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379' >>/etc/default/etcd
                echo 'ETCD_ADVERTISE_CLIENT_URLS=http://192.0.2.10:2379' >>/etc/default/etcd
                rm -rf /var/lib/etcd/default; systemctl restart etcd
                etcdctl put /coreos.com/network/config '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}'\
                """);
        for (Machine machine : List.of(one, two)) {
            type(
                    machine,
                    "apt-get install -y /srv/" + fileOf(EARLIER)
                            + "\nsystemctl is-enabled flanneld-j\n[ $(systemctl is-active flanneld-j) = inactive ]"
                            + "\necho FLANNELD_ETCD_ENDPOINTS=http://192.0.2.10:2379 >>/etc/default/flanneld-j"
                            + "\nsystemctl start flanneld-j"
                            + "\nip netns add try"
                            + "\necho '{\"cniVersion\": \"1.0.0\", \"name\": \"podnet\", \"type\": \"flannel-j\"}' |"
                            + " CNI_COMMAND=ADD CNI_CONTAINERID=try CNI_NETNS=/run/netns/try CNI_IFNAME=eth0"
                            + " CNI_PATH=/opt/cni/bin /opt/cni/bin/flannel-j");
        }
        String subnet = type(one, "grep SUBNET /run/flannel/subnet.env");
        String target = type(two, "ip netns exec try ip -4 -o addr show dev eth0 | sed 's/.*inet //; s|/.*||'")
                .strip();
        type(one, "ip netns exec try ping -c 1 -W 20 " + target);
        Path log = packages.resolve("ping");
        Process ping = one.start(log, "ip", "netns", "exec", "try", "ping", "-q", "-i", "0.01", target);

        type(one, "apt-get install -y /srv/" + fileOf(version()));

        assertThat(type(one, "flanneld-j status")).contains("ready", version());
        assertThat(type(one, "grep SUBNET /run/flannel/subnet.env")).isEqualTo(subnet);
        assertThat(type(one, "grep ETCD_ENDPOINTS=http /etc/default/flanneld-j"))
                .contains("192.0.2.10");
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() ->
                        one.type("ip netns exec try ping -c 1 -W 1 " + target).succeeded());
        one.run("pkill", "-INT", "-x", "ping");
        ping.onExit().join();
        Matcher counts =
                Pattern.compile("(\\d+) packets transmitted, (\\d+) received").matcher(Files.readString(log));
        assertThat(counts.find()).as(Files.readString(log)).isTrue();
        int lost = Integer.parseInt(counts.group(1)) - Integer.parseInt(counts.group(2));
        System.out.printf("an update interrupted pods for %d ms%n", lost * 10);
        assertThat(lost * 10).as("milliseconds without an answer").isLessThan(10_000);

        type(one, "journalctl -u flanneld-j -o cat | grep 'flanneld-j " + version() + " on Java'");
        type(one, "apt-get purge -y flanneld-j");
        assertThat(one.type("systemctl status flanneld-j").exitStatus()).isEqualTo(4); // no such unit
    }
}

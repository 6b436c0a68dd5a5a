package io.flannelj.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A machine on a laboratory's switch: a root file system of its own, and systemd as its first process. What is installed
 * there is gone with it. Its kernel is this one's: it may change nothing below {@code /proc/sys} but the network's part,
 * which is its own.
 *
 * <p>The root is an overlay on this machine's, or on that of another system in a folder, so that a machine takes a second
 * and a few megabytes.
 */
public final class Machine implements AutoCloseable {
    private static final Duration BOOT_WITHIN = Duration.ofMinutes(2);
    private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

    /** Arguments: root below, folder above, network namespace, cgroup, shared folder. */
    private static final String BOOT = """
            lower=$1 upper=$2 cgroup=$4 shared=$5
            mkdir -p "$cgroup" && echo $$ >"$cgroup/cgroup.procs"
            exec nsenter --net="/run/netns/$3" unshare --mount --pid --uts --ipc --cgroup --fork --kill-child=KILL \
                --propagation private sh -euc '
            lower=$1 above=$2 shared=$3
            mount -t tmpfs -o mode=755 tmpfs "$above"
            mkdir "$above/upper" "$above/work" "$above/root"
            mount -t overlay -o "lowerdir=$lower,upperdir=$above/upper,workdir=$above/work" overlay "$above/root"
            cd "$above/root"
            mkdir -p srv mnt
            mount --bind "$shared" srv
            mount -t proc proc proc
            mkdir "$above/proc" && mount -t proc proc "$above/proc"
            mount --bind "$above/proc/sys" proc/sys && mount -o remount,bind,ro proc/sys
            mount --bind "$above/proc/sys/net" proc/sys/net
            umount -R /sys 2>/dev/null || true
            mount -t sysfs sysfs sys
            mount -t cgroup2 cgroup2 sys/fs/cgroup
            for folder in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs $folder; done
            chmod 1777 tmp
            mkdir dev/pts dev/shm dev/net run/netns
            node() { mknod -m 666 "dev/$1" c "$2" "$3"; }
            node null 1 3; node zero 1 5; node full 1 7; node random 1 8; node urandom 1 9; node tty 5 0; node net/tun 10 200
            mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
            ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
            for unit in systemd-sysctl systemd-modules-load systemd-udevd networking systemd-networkd-wait-online; do
              ln -sf /dev/null "etc/systemd/system/$unit.service"
            done
            rm -f etc/resolv.conf usr/sbin/policy-rc.d # no veto of services, as an image of containers has
            hostname machine
            pivot_root . mnt
            umount -l /mnt
            exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=lab \
                /lib/systemd/systemd --unit=basic.target --show-status=0
            ' machine "$lower" "$upper" "$shared"
            """;

    private final Node node;
    private final Process starter;
    private final Path cgroup;

    private Machine(Node node, Process starter, Path cgroup) {
        this.node = node;
        this.starter = starter;
        this.cgroup = cgroup;
    }

    /**
     * Boots a machine where a node is, which has its network; waits until services can be started.
     *
     * @param lower the root that its own begins as
     * @param shared a folder that it sees as {@code /srv}
     */
    public static Machine boot(Node node, Path lower, Path shared) {
        Path unified = CGROUPS.resolve("unified");
        Path cgroup = (Files.isDirectory(unified) ? unified : CGROUPS).resolve(node.namespace());
        try {
            Path above = Files.createDirectories(node.directory().resolve("machine"));
            Process starter = node.startWhole(
                    node.directory().resolve("machine.log"),
                    "sh",
                    "-euc",
                    BOOT,
                    "boot",
                    lower.toString(),
                    above.toString(),
                    node.namespace(),
                    cgroup.toString(),
                    shared.toString());
            Machine machine = new Machine(node, starter, cgroup);
            machine.awaitBoot();
            return machine;
        } catch (IOException e) {
            throw new LabException("no machine at " + node.name() + ": " + e.getMessage(), e);
        }
    }

    private void awaitBoot() {
        Wait.until(() -> "the machine at " + node.name() + " boots; its log:\n" + log(), BOOT_WITHIN, () -> {
            if (!starter.isAlive()) {
                throw new LabException("the machine at " + node.name() + " does not boot:\n" + log());
            }
            return starter.children().findFirst().isPresent()
                    && run("systemctl", "is-active", "--quiet", "basic.target").succeeded();
        });
    }

    private String log() {
        try {
            return Files.readString(node.directory().resolve("machine.log"));
        } catch (IOException e) {
            return "(none)";
        }
    }

    private List<String> entering(List<String> command) {
        long first = starter.children().findFirst().map(ProcessHandle::pid).orElse(0L);
        List<String> full =
                new ArrayList<>(List.of("nsenter", "--all", "--target", String.valueOf(first), "env", "-i"));
        full.addAll(List.of(
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"));
        full.add("DEBIAN_FRONTEND=noninteractive");
        full.addAll(command);
        return full;
    }

    /** Runs a program there, as root in its home. */
    public Commands.Result run(String... command) {
        return Commands.run(entering(List.of(command)), "", Map.of());
    }

    /** Runs lines as a person would type them, in one shell that ends at the first that fails. */
    public Commands.Result type(String lines) {
        return Commands.run(entering(List.of("bash", "-ec", "cd /root\n" + lines)), "", Map.of());
    }

    /** Starts a program there that goes on; it ends with the laboratory at the latest. */
    public Process start(Path log, String... command) {
        return node.startWhole(log, entering(List.of(command)).toArray(String[]::new));
    }

    /** What a system keeps its programs, settings and state in, but for what a running system writes by itself. */
    public List<String> listing() {
        String find = "find /etc /opt /usr /var -xdev \\( -path /var/log -o -path /var/cache/apt -o -path /var/lib/apt"
                + " -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /var/tmp -o -path /usr/local \\) -prune"
                + " -o \\( -type f -o -type l -o -type d \\) -printf '%y %p %l\\n' | LC_ALL=C sort";
        return run("sh", "-c", find).orThrow().lines().toList();
    }

    @Override
    public void close() {
        starter.descendants().forEach(ProcessHandle::destroyForcibly);
        starter.destroyForcibly();
        starter.onExit().join();
        try (Stream<Path> groups = Files.walk(cgroup)) {
            groups.filter(Files::isDirectory)
                    .sorted((a, b) -> b.getNameCount() - a.getNameCount())
                    .forEach(group -> group.toFile().delete());
        } catch (IOException e) {
            return; // it goes with the last process
        }
    }
}

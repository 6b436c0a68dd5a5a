package io.flannelj.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A node's container runtimes: a real containerd and a real dockerd inside the node's network namespace. Their mount namespace
 * has the node's {@code /etc/cni/net.d}, {@code /opt/cni/bin}, {@code /var/lib} and {@code /run/containerd}; all else they keep
 * is in the node's folder. Their process namespace ends all of them, shims and containers too, when its first process is ended.
 */
public final class ContainerHost implements AutoCloseable {
    private static final Duration UP_WITHIN = Duration.ofSeconds(60);
    private static final long SYS_RESOURCE = 1L << 24;

    private final Node node;
    private final Path directory;
    private final Process anchor;
    private final String first;

    /** Makes the mount namespace; the node's daemon must be ready, for its subnet file says what dockerd is told. */
    public static ContainerHost open(Node node) {
        try {
            return new ContainerHost(node);
        } catch (IOException e) {
            throw new LabException("no container host on " + node.name() + ": " + e.getMessage(), e);
        }
    }

    private ContainerHost(Node node) throws IOException {
        this.node = node;
        this.directory = Files.createDirectories(node.directory().resolve("containers"));
        Path networks = Files.createDirectories(directory.resolve("net.d"));
        Files.writeString(
                networks.resolve("10-flannel-j.conflist"),
                "{\"cniVersion\":\"1.0.0\",\"name\":\"cbr0\",\"plugins\":[" + new CniCall(node).configuration("1.0.0")
                        + "]}");
        Files.writeString(
                directory.resolve("containerd.toml"),
                "version = 2\nroot = \"" + directory + "/containerd\"\nstate = \"" + directory
                        + "/containerd-state\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = \""
                        + directory + "/containerd.sock\"\n");
        runc();
        // Not `ip netns exec`, which mounts a /sys without cgroups.
        this.anchor = node.startWhole(
                directory.resolve("anchor.log"),
                "nsenter",
                "--net=/run/netns/" + node.namespace(),
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "--pid",
                "--mount-proc",
                "--fork",
                "--kill-child",
                "sh",
                "-ec",
                "cp -a /etc DIR/etc; mkdir -p DIR/etc/cni; rm -rf DIR/etc/cni/net.d; cp -a DIR/net.d DIR/etc/cni/net.d;"
                                .replace("DIR", directory.toString())
                        + ("mount --bind DIR/etc /etc; mount -t tmpfs none /opt; mkdir -p /opt/cni/bin;"
                                        + " mount --bind CNI /opt/cni/bin; mount -t tmpfs none /var/lib;"
                                        + " mkdir -p /run/containerd; mount -t tmpfs none /run/containerd; touch DIR/ready;"
                                        + " exec sleep 3600")
                                .replace("DIR", directory.toString())
                                .replace(
                                        "CNI",
                                        Distribution.home().resolve("cni").toString()));
        Wait.until("the mounts are made", UP_WITHIN, () -> Files.exists(directory.resolve("ready")));
        this.first = anchor.children()
                .findFirst()
                .map(child -> String.valueOf(child.pid()))
                .orElseThrow(() -> new LabException("the container host's first process is not there"));
    }

    /** A machine without CAP_SYS_RESOURCE cannot give it to a container: runc is asked for one capability less there. */
    private void runc() throws IOException {
        long capabilities = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("CapEff:"))
                .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
                .findFirst()
                .orElse(-1);
        String script = "#!/bin/sh\nexec runc \"$@\"\n";
        if ((capabilities & SYS_RESOURCE) == 0) {
            script = "#!/bin/bash\nfor a; do\n case ${last:-} in --bundle | -b) spec=$a/config.json ;;"
                    + " --process | -p) spec=$a ;; esac\n last=$a\ndone\n"
                    + "[ -z \"${spec:-}\" ] || sed -i 's/\"CAP_SYS_RESOURCE\",//g; s/,\"CAP_SYS_RESOURCE\"//g' \"$spec\"\n"
                    + "exec runc \"$@\"\n";
        }
        Path file = directory.resolve("runc");
        Files.writeString(file, script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private List<String> inside(String... command) {
        List<String> full = new ArrayList<>(
                List.of("nsenter", "--target", first, "--mount", "--pid", "--net=/run/netns/" + node.namespace()));
        full.addAll(List.of(command));
        return full;
    }

    /** Runs a program among the runtimes. */
    public Commands.Result run(String... command) {
        return Commands.run(inside(command), "", Map.of());
    }

    /** Starts containerd, and waits until it answers. */
    public void startContainerd() {
        start("containerd", "containerd", "--config", directory + "/containerd.toml");
        Wait.until(
                () -> "containerd answers; its log:\n" + log("containerd"),
                UP_WITHIN,
                () -> ctr("version").succeeded());
    }

    /** Starts dockerd with what {@code flanneld-j docker-opts} gives it, and waits until it answers. */
    public void startDockerd() {
        node.run(
                        Distribution.home().resolve("bin/flanneld-j").toString(),
                        "docker-opts",
                        "-c",
                        "-f",
                        node.subnetFile().toString(),
                        "-d",
                        directory + "/docker.env")
                .orThrow();
        start(
                "dockerd",
                "sh",
                "-c",
                (". DIR/docker.env; exec dockerd $DOCKER_OPTS --host unix://DIR/docker.sock --data-root DIR/docker"
                                + " --exec-root DIR/docker-exec --pidfile DIR/docker.pid --storage-driver vfs"
                                + " --containerd DIR/containerd.sock --add-runtime lab=DIR/runc --default-runtime lab")
                        .replace("DIR", directory.toString()));
        Wait.until(
                () -> "dockerd answers; its log:\n" + log("dockerd"),
                UP_WITHIN,
                () -> docker("info").succeeded());
    }

    private void start(String name, String... command) {
        node.startWhole(directory.resolve(name + ".log"), inside(command).toArray(String[]::new));
    }

    public String log(String name) {
        try {
            return Files.readString(directory.resolve(name + ".log"));
        } catch (IOException e) {
            return "(no log)";
        }
    }

    public Commands.Result docker(String... command) {
        return run(prepend(command, "docker", "--host", "unix://" + directory + "/docker.sock"));
    }

    public Commands.Result ctr(String... command) {
        return run(prepend(command, "ctr", "--address", directory + "/containerd.sock"));
    }

    /** Starts a container by {@code ctr run --cni}; the network goes when the container ends. */
    public Process runByCtr(String image, String id, String... command) {
        List<String> full = new ArrayList<>(inside(
                "ctr",
                "--address",
                directory + "/containerd.sock",
                "run",
                "--rm",
                "--cni",
                "--snapshotter",
                "native",
                "--runc-binary",
                directory + "/runc",
                image,
                id));
        full.addAll(List.of(command));
        return node.startWhole(directory.resolve("ctr-" + id + ".log"), full.toArray(String[]::new));
    }

    private static String[] prepend(String[] command, String... before) {
        List<String> full = new ArrayList<>(List.of(before));
        full.addAll(List.of(command));
        return full.toArray(String[]::new);
    }

    /** A file of the host's. */
    public Path file(String name) {
        return directory.resolve(name);
    }

    /** Ends everything on the host, and takes away the empty folder that it leaves outside. */
    @Override
    public void close() {
        anchor.destroyForcibly();
        anchor.onExit().join();
        Commands.run(
                "sh",
                "-c",
                "rmdir /run/containerd /sys/fs/cgroup/docker /sys/fs/cgroup/default /sys/fs/cgroup/*/docker /sys/fs/cgroup/*/default 2>/dev/null");
    }
}

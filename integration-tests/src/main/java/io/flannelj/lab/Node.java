package io.flannelj.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A node: a namespace with an {@code eth0} on the underlay, and the real daemon in it. All of the daemon's paths are in the
 * node's own folder.
 */
public final class Node {
    private static final Duration READY_WITHIN = Duration.ofSeconds(90);

    private final Lab lab;
    private final String name;
    private final String namespace;
    private final String address;
    private final String ipv6Address;
    private final Path directory;
    private final String bridge;
    private final List<Pod> pods = new ArrayList<>();
    private Path distribution = Distribution.home();
    private @Nullable Process daemon;
    private int pod;

    Node(Lab lab, String name, String namespace, String address, String ipv6Address, Path directory, String bridge) {
        this.lab = lab;
        this.name = name;
        this.namespace = namespace;
        this.address = address;
        this.ipv6Address = ipv6Address;
        this.directory = directory;
        this.bridge = bridge;
    }

    /**
     * A second daemon in the same namespace, with its own files, and its own bridge for its pods.
     *
     * @param instance its name
     */
    public Node beside(String instance, String itsBridge) {
        Path itsDirectory = directory.resolveSibling(name + "-" + instance);
        return new Node(lab, name + "-" + instance, namespace, address, ipv6Address, itsDirectory, itsBridge);
    }

    /**
     * Installs another version on the node: what is started from now on is of that one.
     *
     * @param home a built distribution
     */
    public void install(Path home) {
        distribution = home;
    }

    /** The path of a program of the installed version, e.g. {@code bin/flanneld-j}. */
    String program(String relative) {
        return distribution.resolve(relative).toString();
    }

    /** The bridge that its pods are on. */
    public String bridge() {
        return bridge;
    }

    public String name() {
        return name;
    }

    public String namespace() {
        return namespace;
    }

    /** The underlay address. */
    public String address() {
        return address;
    }

    /** The underlay address of the other family. */
    public String ipv6Address() {
        return ipv6Address;
    }

    public Path subnetFile() {
        return directory.resolve("subnet.env");
    }

    public Path controlSocketFile() {
        return directory.resolve("flanneld-j.sock");
    }

    public Path addressDirectory() {
        return directory.resolve("networks");
    }

    /** Starts the daemon; does not wait for it. */
    public void startDaemon(String... moreFlags) {
        startDaemonWith(Map.of(), moreFlags);
    }

    /** The same, with more in its environment. */
    public void startDaemonWith(Map<String, String> environment, String... moreFlags) {
        List<String> prefix = new ArrayList<>();
        if (!environment.isEmpty()) {
            prefix.add("env");
            environment.forEach((name, value) -> prefix.add(name + "=" + value));
        }
        startDaemonUnder(prefix, moreFlags);
    }

    /** The same by a program that executes it, e.g. {@code nice}. */
    public void startDaemonUnder(List<String> prefix, String... moreFlags) {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(
                "env", // many daemons share few processors here; the release before knows the second name
                "FLANNELD_CNI_WARMUP_MS=0",
                "FLANNELD_CNI_REHEARSAL_MS=0",
                program("bin/flanneld-j"),
                "--etcd-endpoints",
                lab.etcdUrls(),
                "--subnet-file",
                subnetFile().toString(),
                "--control-socket",
                controlSocketFile().toString(),
                "--state-dir",
                directory.resolve("state").toString(),
                "--ip-masq",
                "--healthz-port",
                "8081"));
        command.addAll(List.of(moreFlags));
        daemon = lab.workspace().register(Commands.start(namespace, logFile(), command.toArray(String[]::new)));
    }

    /** Starts the daemon, and waits until it is ready. */
    public Node start(String... moreFlags) {
        startDaemon(moreFlags);
        awaitReady();
        return this;
    }

    public void awaitReady() {
        Wait.until(() -> "the daemon of " + name + " is ready; its log:\n" + log(), READY_WITHIN, () -> {
            if (!running().isAlive()) {
                throw new LabException("the daemon of " + name + " ended with status "
                        + running().exitValue() + "\n" + log());
            }
            return readyz().startsWith("HTTP/1.1 200");
        });
    }

    /** Waits until the daemon knows so many other nodes. */
    public void awaitPeers(int count) {
        Wait.until(
                () -> name + " knows " + count + " peers; its log:\n" + log(),
                READY_WITHIN,
                () -> status().path("peers").asInt() == count);
    }

    /** The answer of /readyz with its headers; empty while nobody answers. */
    public String readyz() {
        try {
            return new ControlSocket(controlSocketFile()).get("/readyz");
        } catch (IOException e) {
            return "";
        }
    }

    public JsonNode status() {
        return ask("/v1/status");
    }

    public JsonNode peers() {
        return ask("/v1/peers");
    }

    private JsonNode ask(String path) {
        try {
            return new ControlSocket(controlSocketFile()).json(path);
        } catch (IOException e) {
            throw new LabException("the daemon of " + name + " does not answer: " + e.getMessage() + "\n" + log(), e);
        }
    }

    /** Prometheus text. */
    public String metrics() {
        try {
            return new ControlSocket(controlSocketFile()).get("/metrics");
        } catch (IOException e) {
            throw new LabException("the daemon of " + name + " does not answer", e);
        }
    }

    /** SIGTERM; gives the exit status. */
    public int stop() {
        running().destroy();
        return awaitExit();
    }

    /** SIGKILL. */
    public void kill() {
        running().destroyForcibly();
        awaitExit();
    }

    /** Waits for the daemon to end by itself; gives the exit status. */
    public int awaitExit() {
        try {
            if (!running().waitFor(30, TimeUnit.SECONDS)) {
                throw new LabException("the daemon of " + name + " does not end\n" + log());
            }
            return running().exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted", e);
        }
    }

    private Process running() {
        return Objects.requireNonNull(daemon, "the daemon was never started");
    }

    /** Whether the daemon has written down that it knows so many peers; it does so once in a while. */
    public boolean hasWrittenDown(int peers) {
        try {
            return writtenDown().path("peers").size() == peers;
        } catch (IOException e) {
            return false;
        }
    }

    /** When its own lease ends, or ended, as the daemon has written it down at the last renewal. */
    public Instant leaseEnd() {
        try {
            return Instant.parse(writtenDown().path("own").path("expiresAt").asText());
        } catch (IOException e) {
            throw new LabException("the daemon of " + name + " has written nothing down", e);
        }
    }

    private JsonNode writtenDown() throws IOException {
        return new ObjectMapper()
                .readTree(directory.resolve("state/leases.json").toFile());
    }

    public boolean isRunning() {
        return daemon != null && daemon.isAlive();
    }

    public String log() {
        try {
            return Files.readString(logFile());
        } catch (IOException e) {
            return "(no log)";
        }
    }

    private Path logFile() {
        return directory.resolve("flanneld-j.log");
    }

    /** Makes a pod's namespace and wires it by the real CNI plugin. */
    public Pod addPod() {
        pod++;
        Pod made =
                new Pod(this, lab.workspace().addNamespace(name + "-p" + pod), name + "-pod" + pod, new CniCall(this));
        made.add();
        pods.add(made);
        return made;
    }

    /** A namespace for a pod, not wired. */
    public Pod addUnwiredPod() {
        pod++;
        return new Pod(this, lab.workspace().addNamespace(name + "-p" + pod), name + "-pod" + pod, new CniCall(this));
    }

    /** The wired pods. */
    public List<Pod> pods() {
        return List.copyOf(pods);
    }

    /** Starts a program in a pod that goes on; it ends with the laboratory at the latest. */
    public Process startIn(Pod pod, String... command) {
        return startIn(pod, directory.resolve(pod.containerId() + ".log"), command);
    }

    /** The same, with a log of its own. */
    Process startIn(Pod pod, Path log, String... command) {
        return lab.workspace().register(Commands.start(pod.namespace(), log, command));
    }

    /** Starts a program in the node that goes on; it ends with the laboratory at the latest. */
    public Process start(Path log, String... command) {
        return lab.workspace().register(Commands.start(namespace, log, command));
    }

    /** Starts a program that enters the node by itself, and goes on; it ends with the laboratory at the latest. */
    Process startWhole(Path log, String... command) {
        return lab.workspace().register(Commands.start(log, List.of(command)));
    }

    /** Where the node's files are; goes with the laboratory. */
    public Path directory() {
        return directory;
    }

    /** Process id of the daemon. */
    public long daemonPid() {
        return running().pid();
    }

    void forget(Pod gone) {
        pods.remove(gone);
        lab.workspace().deleteNamespace(gone.namespace());
    }

    /** Starts a program in the node that goes on; it ends with the laboratory at the latest. */
    public Process startProgram(String... command) {
        return lab.workspace().register(Commands.start(namespace, directory.resolve("program.log"), command));
    }

    /** Pings three times; true when all answers come. */
    public boolean canPing(String target, String... options) {
        return Ping.isAnswered(name, run(Ping.command(target, options)));
    }

    /** Runs a program in the node. */
    public Commands.Result run(String... command) {
        return Commands.inNamespace(namespace, command);
    }

    /** What could leak: links, addresses, routes and rules of the node. */
    public String snapshot() {
        return HostSnapshot.of(namespace);
    }

    /** Tries to run a second daemon on the same control socket. */
    public Commands.Result operatorAsDaemon() {
        return run(
                program("bin/flanneld-j"),
                "--etcd-endpoints",
                lab.etcdUrls(),
                "--control-socket",
                controlSocketFile().toString());
    }

    /** Runs one of the operator's commands that go to the store themselves. */
    public Commands.Result operatorAtStore(String... command) {
        List<String> full = new ArrayList<>(List.of(program("bin/flanneld-j")));
        full.addAll(List.of(command));
        full.addAll(List.of("--etcd-endpoints", lab.etcdUrls()));
        return run(full.toArray(String[]::new));
    }

    /** Starts one of the operator's commands that goes on against this node's daemon; what it prints goes to a file. */
    public Process startOperator(Path log, String... command) {
        List<String> full = new ArrayList<>(List.of(program("bin/flanneld-j")));
        full.addAll(List.of(command));
        full.addAll(List.of("--control-socket", controlSocketFile().toString()));
        return start(log, full.toArray(String[]::new));
    }

    /** Runs one of the operator's commands against this node's daemon. */
    public Commands.Result operator(String... command) {
        List<String> full = new ArrayList<>(List.of(program("bin/flanneld-j")));
        full.addAll(List.of(command));
        full.addAll(List.of("--control-socket", controlSocketFile().toString()));
        return run(full.toArray(String[]::new));
    }
}

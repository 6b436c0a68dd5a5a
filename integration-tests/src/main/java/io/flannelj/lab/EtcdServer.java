package io.flannelj.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A real etcd in a namespace of the laboratory, with faults on request. */
public final class EtcdServer {
    private final Workspace workspace;
    private final Setup setup;
    private final EtcdGateway gateway;
    private Path dataDirectory;
    private Process process;

    /** A key with its value. */
    public record Entry(String key, String value) {}

    /**
     * One member.
     *
     * @param address where daemons reach it
     * @param port for them; the peers' port is the next one, and with TLS the laboratory's own is the one before
     * @param cluster all members as {@code name=url,…}
     * @param tls whether daemons speak TLS; the certificates are in {@code flags}
     */
    record Setup(
            String name, String namespace, String address, int port, String cluster, boolean tls, List<String> flags) {
        static Setup single(String namespace, String address) {
            return new Setup("etcd", namespace, address, 2379, "etcd=http://127.0.0.1:2380", false, List.of());
        }

        String url() {
            return (tls ? "https://" : "http://") + address + ":" + port;
        }

        int gatewayPort() {
            return tls ? port - 1 : port;
        }

        String peerUrl() {
            return "http://127.0.0.1:" + (port + 1);
        }
    }

    /** Starts; does not wait. */
    EtcdServer(Workspace workspace, Setup setup) {
        this.workspace = workspace;
        this.setup = setup;
        this.gateway = new EtcdGateway(setup.namespace(), setup.gatewayPort());
        this.dataDirectory = workspace.directory().resolve(setup.name());
        this.process = launch();
    }

    /** What daemons are given. */
    public String url() {
        return setup.url();
    }

    public String namespace() {
        return setup.namespace();
    }

    private Process launch() {
        String own = "http://127.0.0.1:" + setup.gatewayPort();
        List<String> command = new ArrayList<>(List.of(
                "etcd",
                "--name",
                setup.name(),
                "--data-dir",
                dataDirectory.toString(),
                "--listen-client-urls",
                setup.tls()
                        ? "https://0.0.0.0:" + setup.port() + "," + own
                        : "http://[::]:" + setup.port(), // both families
                "--advertise-client-urls",
                url(),
                "--listen-peer-urls",
                setup.peerUrl(),
                "--initial-advertise-peer-urls",
                setup.peerUrl(),
                "--initial-cluster",
                setup.cluster(),
                "--unsafe-no-fsync"));
        command.addAll(setup.flags());
        return workspace.register(Commands.start(setup.namespace(), log(), command.toArray(String[]::new)));
    }

    private Path log() {
        return workspace.directory().resolve("logs/" + setup.name() + ".log");
    }

    /** Waits until it answers, as a cluster of several does once most of it is there. */
    EtcdServer awaitAnswer() {
        Wait.until("etcd answers", Duration.ofSeconds(20), () -> {
            try {
                gateway.isLeader();
                return true;
            } catch (LabException e) {
                if (!process.isAlive()) {
                    throw new LabException("etcd ended with status " + process.exitValue() + "; see " + log());
                }
                return false;
            }
        });
        return this;
    }

    /** SIGKILL. */
    public void kill() {
        try {
            process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Starts again on the same data. */
    public void restart() {
        process = launch();
        awaitAnswer();
    }

    /** Stops it where it stands, connections and all. */
    public void freeze() {
        Commands.require("kill", "-STOP", String.valueOf(process.pid()));
    }

    public void thaw() {
        Commands.require("kill", "-CONT", String.valueOf(process.pid()));
    }

    /** Lets nothing through between it and a node, and says so to neither. */
    public void cutOff(Node node) {
        filter("-I", node);
    }

    /** Ends {@link #cutOff}. */
    public void reconnect(Node node) {
        filter("-D", node);
    }

    private void filter(String action, Node node) {
        String port = String.valueOf(setup.port());
        Commands.inNamespace(
                        namespace(),
                        "iptables",
                        action,
                        "INPUT",
                        "-s",
                        node.address(),
                        "-p",
                        "tcp",
                        "--dport",
                        port,
                        "-j",
                        "DROP")
                .orThrow();
        Commands.inNamespace(
                        namespace(),
                        "iptables",
                        action,
                        "OUTPUT",
                        "-d",
                        node.address(),
                        "-p",
                        "tcp",
                        "--sport",
                        port,
                        "-j",
                        "DROP")
                .orThrow();
    }

    /** Writes a snapshot of everything. */
    public Path snapshot() {
        Path file = workspace.directory().resolve("snapshot-" + System.nanoTime());
        etcdctl("snapshot", "save", file.toString());
        return file;
    }

    /** Starts anew on a snapshot, as an operator does after a disaster; it must not run. */
    public void restore(Path snapshot) {
        Path restored = workspace.directory().resolve(setup.name() + "-" + System.nanoTime());
        etcdctl(
                "snapshot",
                "restore",
                snapshot.toString(),
                "--name",
                setup.name(),
                "--data-dir",
                restored.toString(),
                "--initial-cluster",
                setup.cluster(),
                "--initial-advertise-peer-urls",
                setup.peerUrl());
        dataDirectory = restored;
        restart();
    }

    private void etcdctl(String... arguments) {
        List<String> command =
                new ArrayList<>(List.of("etcdctl", "--endpoints", "http://127.0.0.1:" + setup.gatewayPort()));
        command.addAll(List.of(arguments));
        Commands.run(Commands.inside(namespace(), command.toArray(String[]::new)), "", Map.of("ETCDCTL_API", "3"))
                .orThrow();
    }

    /** Writes until it takes no more. */
    public void fill(String key) {
        String value = "x".repeat(200_000);
        for (int i = 0; i < 100; i++) {
            try {
                put(key + "/" + i, value);
            } catch (LabException e) {
                return;
            }
        }
        throw new LabException("etcd takes more than it should");
    }

    /** Ends {@link #fill}, as an operator does. */
    public void makeRoom(String key) {
        etcdctl("del", "--prefix", key);
        compact(revision());
        etcdctl("defrag");
        etcdctl("alarm", "disarm");
    }

    /** From now on daemons have to say that they are {@code user}, who may read and write under {@code prefix}. */
    public void demandPasswords(String user, String password, String prefix) {
        gateway.demandPasswords("lab", user, password, prefix);
    }

    /** Takes from {@code user} what {@link #demandPasswords} gave it. */
    public void revoke(String user, String prefix) {
        gateway.revoke(user, prefix);
    }

    /** Gives it back. */
    public void grant(String user, String prefix) {
        gateway.grant(user, prefix);
    }

    /** The laboratory's own log-in ends with etcd. */
    public void logInAgain() {
        gateway.logIn("lab");
    }

    public void put(String key, String value) {
        gateway.put(key, value);
    }

    public void delete(String key) {
        gateway.delete(key);
    }

    /** Forgets all history before {@code revision}. */
    public void compact(long revision) {
        gateway.compact(revision);
    }

    /** The latest revision. */
    public long revision() {
        return gateway.revision();
    }

    /** Everything whose key begins with {@code prefix}. */
    public List<Entry> list(String prefix) {
        return gateway.list(prefix);
    }

    boolean isLeader() {
        return gateway.isLeader();
    }
}

package io.flannelj.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/**
 * What one laboratory has on the machine: a folder, namespaces whose names begin with its id, and processes whose ids it
 * wrote down. All of it is taken away at the end; what a killed laboratory left is taken away by the next one.
 */
final class Workspace implements AutoCloseable {
    private static final Path ROOT = Path.of("/run/flanneld-j-lab");
    private static final String PREFIX = "flj";

    private final String id;
    private final Path directory;
    private final Deque<String> namespaces = new ArrayDeque<>();
    private final Deque<Process> processes = new ArrayDeque<>();
    private final Thread onExit = new Thread(this::close, "lab-cleanup");
    private boolean closed;

    private Workspace(String id, Path directory) {
        this.id = id;
        this.directory = directory;
    }

    /** Makes a workspace, after taking away what dead ones left. */
    static Workspace open() {
        return locked(() -> {
            sweep();
            return make();
        });
    }

    /** What must not meet other laboratories that are opened or closed: one half made or half deleted would look dead. */
    private interface Step<T> {
        T run() throws IOException;
    }

    private static synchronized <T> T locked(Step<T> step) {
        try {
            Files.createDirectories(ROOT);
            try (FileChannel channel =
                    FileChannel.open(ROOT.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                channel.lock();
                return step.run();
            }
        } catch (IOException e) {
            throw new LabException("cannot make or delete a workspace in " + ROOT + ": " + e.getMessage(), e);
        }
    }

    private static Workspace make() throws IOException {
        int number = 1;
        while (Files.exists(ROOT.resolve(PREFIX + number))) {
            number++;
        }
        Path directory = Files.createDirectory(ROOT.resolve(PREFIX + number));
        Files.writeString(
                directory.resolve("owner"),
                String.valueOf(ProcessHandle.current().pid()));
        Workspace workspace = new Workspace(PREFIX + number, directory);
        Runtime.getRuntime().addShutdownHook(workspace.onExit);
        return workspace;
    }

    Path directory() {
        return directory;
    }

    /** Makes a namespace with its loopback up; gives its full name. */
    String addNamespace(String name) {
        String full = id + "-" + name;
        Commands.require("ip", "netns", "add", full);
        namespaces.push(full);
        Commands.require("ip", "-n", full, "link", "set", "lo", "up");
        return full;
    }

    void deleteNamespace(String full) {
        if (namespaces.remove(full)) {
            Commands.run("ip", "netns", "delete", full);
        }
    }

    /** Writes a process down, so that it cannot outlive us. */
    synchronized Process register(Process process) {
        processes.push(process);
        try {
            Files.writeString(
                    directory.resolve("pids"),
                    process.pid() + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new LabException("cannot write down a process", e);
        }
        return process;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        processes.forEach(process -> process.descendants().forEach(ProcessHandle::destroyForcibly));
        processes.forEach(Process::destroyForcibly);
        processes.forEach(process -> process.onExit().join());
        namespaces.forEach(namespace -> Commands.run("ip", "netns", "delete", namespace));
        locked(() -> {
            deleteTree(directory);
            return directory;
        });
        if (Thread.currentThread() != onExit) {
            try {
                Runtime.getRuntime().removeShutdownHook(onExit);
            } catch (IllegalStateException e) {
                return; // we are ending anyway
            }
        }
    }

    private static void sweep() throws IOException {
        List<Path> directories;
        try (Stream<Path> entries = Files.list(ROOT)) {
            directories = entries.filter(Files::isDirectory).toList();
        }
        for (Path left : directories) {
            Path owner = left.resolve("owner");
            boolean alive = Files.exists(owner)
                    && ProcessHandle.of(Long.parseLong(Files.readString(owner).strip()))
                            .map(handle -> handle.info().command().orElse("").endsWith("java"))
                            .orElse(false);
            if (!alive) {
                sweep(left);
            }
        }
    }

    private static void sweep(Path left) throws IOException {
        Path pids = left.resolve("pids");
        if (Files.exists(pids)) {
            for (String pid : Files.readAllLines(pids)) {
                // A number may have gone to another program since: only what still names our folder is ours.
                Path commandLine = Path.of("/proc", pid, "cmdline");
                if (Files.exists(commandLine) && Files.readString(commandLine).contains(left.toString() + "/")) {
                    ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
                }
            }
        }
        for (String namespace : Commands.require("ip", "netns", "list").lines().toList()) {
            String name = namespace.split(" ", 2)[0];
            if (name.startsWith(left.getFileName() + "-")) {
                Commands.run("ip", "netns", "delete", name);
            }
        }
        deleteTree(left);
    }

    private static void deleteTree(Path directory) {
        try (Stream<Path> entries = Files.walk(directory)) {
            entries.sorted(Comparator.reverseOrder())
                    .forEach(path -> path.toFile().delete());
        } catch (IOException | UncheckedIOException e) {
            return; // a process that is just ending deletes its own files, too; the next workspace deletes the rest
        }
    }
}

package io.flannelj.lab;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs programs for the laboratory, for a bounded time. */
public final class Commands {
    private static final Duration TIMEOUT = Duration.ofMinutes(5); // a program that hangs; a busy machine is slow

    private Commands() {}

    /** What a program left behind. */
    public record Result(List<String> command, int exitStatus, String output, String errors) {
        public boolean succeeded() {
            return exitStatus == 0;
        }

        /** Output of a program that did what it was asked; otherwise an exception that shows all of it. */
        public String orThrow() {
            if (!succeeded()) {
                throw new LabException(
                        String.join(" ", command) + " ended with status " + exitStatus + "\n" + output + errors);
            }
            return output;
        }
    }

    public static Result run(String... command) {
        return run(List.of(command), "", Map.of());
    }

    /** Runs to the end, whatever the end. */
    public static Result run(List<String> command, String input, Map<String, String> environment) {
        try {
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().putAll(environment);
            Process process = builder.start();
            CompletableFuture<String> errors =
                    CompletableFuture.supplyAsync(() -> read(process.getErrorStream()), Background.THREADS);
            CompletableFuture<String> output =
                    CompletableFuture.supplyAsync(() -> read(process.getInputStream()), Background.THREADS);
            try (var stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                // the program did not want to hear it
            }
            if (!process.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new LabException(String.join(" ", command) + " did not end within " + TIMEOUT);
            }
            return new Result(List.copyOf(command), process.exitValue(), output.join(), errors.join());
        } catch (IOException e) {
            throw new LabException(String.join(" ", command) + " cannot be run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted", e);
        }
    }

    /** Runs and demands success; gives the output. */
    public static String require(String... command) {
        return run(command).orThrow();
    }

    /** The same, inside a network namespace. */
    public static Result inNamespace(String namespace, String... command) {
        return run(inside(namespace, command), "", Map.of());
    }

    /** The command that runs {@code command} inside a namespace, as the process itself. */
    static List<String> inside(String namespace, String... command) {
        List<String> full = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        full.addAll(List.of(command));
        return full;
    }

    /** Starts a program inside a namespace that goes on; everything it says goes to a file. */
    static Process start(String namespace, Path log, String... command) {
        return start(log, inside(namespace, command));
    }

    static Process start(Path log, List<String> command) {
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(Files.createDirectories(log.getParent())
                            .resolve(log.getFileName())
                            .toFile()))
                    .start();
        } catch (IOException e) {
            throw new LabException(command + " cannot be started: " + e.getMessage(), e);
        }
    }

    /** Whether a program can be found. */
    public static boolean exists(String program) {
        return run("sh", "-c", "command -v " + program).succeeded();
    }

    private static String read(InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}

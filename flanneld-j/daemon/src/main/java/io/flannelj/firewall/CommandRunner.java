package io.flannelj.firewall;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs a firewall program, without a shell, for a bounded time. */
public final class CommandRunner {
    private static final long TIMEOUT_SECONDS = 20;

    /**
     * What a program answered.
     *
     * @param exitStatus 0 when it did what it was asked
     */
    public record Result(int exitStatus, String output, String errors) {
        boolean succeeded() {
            return exitStatus == 0;
        }
    }

    /**
     * Runs to the end.
     *
     * @param input what it reads on standard input
     * @throws IOException when the program is missing or does not end; names it, and the package that brings it
     */
    public Result run(String input, String... command) throws IOException {
        Process process;
        try {
            process = new ProcessBuilder(command).start();
        } catch (IOException e) {
            throw new IOException(
                    command[0] + " cannot be run; install the package "
                            + (command[0].startsWith("nft") ? "nftables" : "iptables"),
                    e);
        }
        CompletableFuture<String> errors =
                CompletableFuture.supplyAsync(() -> text(process.getErrorStream()), CommandRunner::inThread);
        CompletableFuture<String> output =
                CompletableFuture.supplyAsync(() -> text(process.getInputStream()), CommandRunner::inThread);
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // It ended without reading everything; its exit status and error output say why.
        }
        try {
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(String.join(" ", command) + " did not end within " + TIMEOUT_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException(String.join(" ", command) + " was interrupted", e);
        }
        return new Result(process.exitValue(), output.join(), errors.join());
    }

    /** Runs to the end, and takes nothing but success for an answer. */
    Result require(String input, List<String> command) throws IOException {
        Result result = run(input, command.toArray(String[]::new));
        if (!result.succeeded()) {
            throw new IOException(String.join(" ", command) + " failed with status " + result.exitStatus() + ": "
                    + result.errors().strip());
        }
        return result;
    }

    /** The common pool may have a single thread, and both streams must be read at once. */
    private static void inThread(Runnable task) {
        Thread thread = new Thread(task, "flannel-command");
        thread.setDaemon(true);
        thread.start();
    }

    private static String text(InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}

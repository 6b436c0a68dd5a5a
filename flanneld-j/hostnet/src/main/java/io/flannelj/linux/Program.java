package io.flannelj.linux;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs another program, without a shell, for a bounded time. */
public final class Program {
    private static final long TIMEOUT_SECONDS = 20;

    private Program() {}

    /**
     * What a program answered.
     *
     * @param exitStatus 0 when it did what it was asked
     * @param errors empty when they go to our own standard error
     */
    public record Output(int exitStatus, String text, String errors) {
        public boolean succeeded() {
            return exitStatus == 0;
        }
    }

    /**
     * Runs to the end, and takes nothing but success for an answer.
     *
     * @return what it printed
     * @throws IOException as {@link #run(String, String...)}, and what it said where it failed
     */
    public static String require(String input, String... command) throws IOException {
        Output output = run(input, command);
        if (!output.succeeded()) {
            throw new IOException(String.join(" ", command) + " failed with status " + output.exitStatus() + ": "
                    + output.errors().strip());
        }
        return output.text();
    }

    /**
     * Runs to the end, whatever the end.
     *
     * @param input what it reads on standard input
     * @throws IOException when the program is missing or does not end; names it, and the package that brings it
     */
    public static Output run(String input, String... command) throws IOException {
        return run(new ProcessBuilder(command), input, TIMEOUT_SECONDS);
    }

    /** The same, with an environment of its own, or more patience. */
    public static Output run(ProcessBuilder builder, String input, long seconds) throws IOException {
        String name = builder.command().get(0);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new IOException(name + " cannot be run; " + remedy(name), e);
        }
        CompletableFuture<String> errors = read(process.getErrorStream());
        CompletableFuture<String> output = read(process.getInputStream());
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // It ended without reading everything; its exit status and answer say why.
        }
        try {
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(name + " did not end within " + seconds + " s");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException(name + " was interrupted", e);
        }
        return new Output(process.exitValue(), output.join(), errors.join());
    }

    private static String remedy(String name) {
        if (name.startsWith("nft")) {
            return "install the package nftables";
        }
        return name.startsWith("iptables") || name.startsWith("ip6tables")
                ? "install the package iptables"
                : "is it installed?";
    }

    /** Whether it is somewhere on the search path. */
    public static boolean exists(String name) {
        String path = System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin";
        return Arrays.stream(path.split(":", -1))
                .anyMatch(directory -> !directory.isEmpty()
                        && Files.isExecutable(Path.of(directory).resolve(name)));
    }

    /** Both streams must be read at once. */
    private static CompletableFuture<String> read(InputStream stream) {
        return Background.begin("flannel-program", () -> text(stream));
    }

    private static String text(InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}

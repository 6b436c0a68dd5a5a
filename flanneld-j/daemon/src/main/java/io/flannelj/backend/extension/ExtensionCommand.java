package io.flannelj.backend.extension;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A command of the operator's, run as flannel runs it since 0.28.2: split at white space, {@code $VAR} and {@code ${VAR}}
 * expanded, and started directly, without a shell, so quotes, pipes and {@code &&} mean nothing.
 */
final class ExtensionCommand {
    private static final Pattern VARIABLE = Pattern.compile("\\$(?:\\{(\\w+)}|(\\w+))");
    private static final long TIMEOUT_SECONDS = 30;

    private final String option;
    private final String text;

    /**
     * @param option the key in the network config, for complaints
     */
    ExtensionCommand(String option, String text) {
        this.option = option;
        this.text = text;
    }

    boolean isEmpty() {
        return text.isBlank();
    }

    /**
     * Runs to the end.
     *
     * @param variables go into the command's environment and text, above our own
     * @param input a line for its standard input
     * @return what it printed, both streams, without white space around
     * @throws IOException when it cannot be run, fails, or takes more than 30 seconds; names the option
     */
    String run(Map<String, String> variables, String input) throws IOException {
        String[] words = words(text, variables);
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().putAll(variables);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new IOException(
                    "Backend." + option + ": " + words[0] + " cannot be run; it is started without a shell", e);
        }
        CompletableFuture<String> output = new CompletableFuture<>();
        Thread reader = new Thread(() -> output.complete(read(process.getInputStream())), "flannel-extension");
        reader.setDaemon(true);
        reader.start();
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write((input + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // It does not read its input; it need not.
        }
        try {
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException("Backend." + option + ": did not end within " + TIMEOUT_SECONDS + " s: " + text);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("Backend." + option + ": interrupted", e);
        }
        String printed = output.join().strip();
        if (process.exitValue() != 0) {
            throw new IOException("Backend." + option + ": ended with status " + process.exitValue() + ": " + printed);
        }
        return printed;
    }

    /** Splits, then expands, so that what a variable holds stays one word. */
    static String[] words(String text, Map<String, String> variables) {
        return Arrays.stream(text.strip().split("\\s+"))
                .map(word -> VARIABLE.matcher(word)
                        .replaceAll(match -> Matcher.quoteReplacement(
                                value(match.group(1) != null ? match.group(1) : match.group(2), variables))))
                .toArray(String[]::new);
    }

    private static String value(String name, Map<String, String> variables) {
        String value = variables.get(name);
        return value != null ? value : System.getenv().getOrDefault(name, "");
    }

    private static String read(InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}

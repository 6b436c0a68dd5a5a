package io.flannelj.main;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.cli.CommandLine;
import io.flannelj.cli.Invocation;
import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.StoreException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Sixty mistakes, and what they are answered, word for word in {@code mistakes.txt}: for a person to read, and for a test to
 * say when an answer has become worse. Those that take a kernel, a store or a container runtime are in the integration tests.
 */
class MistakesTest {
    private static final Path GOLDEN = Path.of("src/test/resources/mistakes.txt");
    private static final String ANSWER = "    ";

    @Test
    void everyMistakeIsAnsweredAsWrittenDown() throws IOException {
        List<String> written = Files.readAllLines(GOLDEN);
        List<String> answered = new ArrayList<>();
        for (String line : written) {
            if (!line.startsWith(ANSWER)) {
                answered.add(line);
                answered.addAll(answer(line).stream().map(ANSWER::concat).toList());
            }
        }
        if (System.getProperty("flannelj.writeDocs") != null) {
            Files.write(GOLDEN, answered);
        } else {
            assertThat(answered).containsExactlyElementsOf(written);
        }
    }

    @Test
    void noAnswerShowsHowItWasMade() throws IOException {
        List<String> answers = Files.readAllLines(GOLDEN).stream()
                .filter(line -> line.startsWith(ANSWER))
                .toList();
        assertThat(answers)
                .hasSizeGreaterThan(120)
                .noneMatch(line -> line.matches(".*(Exception|java\\.|\\bint\\b|\\w+\\[\\w+=|Source:|\\$\\{|null).*"));
    }

    @Test
    void everyAnswerIsOneLineAndAnExitStatus() throws IOException {
        int lines = 0;
        for (String line : Files.readAllLines(GOLDEN)) {
            if (line.startsWith(ANSWER)) {
                lines++;
            } else {
                assertThat(lines).as("before " + line).isIn(0, 2);
                lines = 0;
            }
        }
    }

    private static List<String> answer(String line) {
        if (line.startsWith("$ ")) {
            return command(line.substring(2));
        }
        return line.startsWith("{") ? config(line) : List.of();
    }

    private static List<String> config(String text) {
        try {
            NetworkConfig.parse(text);
            return List.of("is taken");
        } catch (ConfigException e) {
            List<String> lines =
                    new ArrayList<>(String.valueOf(e.getMessage()).lines().toList());
            lines.add("exit status 2");
            return lines;
        }
    }

    private static List<String> command(String typed) {
        Map<String, String> environment = new HashMap<>();
        List<String> words = new ArrayList<>(List.of(typed.split(" ")));
        while (!words.get(0).equals("flanneld-j")) {
            String[] variable = words.remove(0).split("=", 2);
            environment.put(variable[0], variable[1]);
        }
        words.remove(0);
        StringWriter said = new StringWriter();
        PrintWriter to = new PrintWriter(said, true);
        CommandLine commandLine = new CommandLine(environment, to, to, "test", options -> {
            throw new StoreException("no store can be reached from here");
        });
        Invocation invocation = commandLine.read(words.toArray(String[]::new));
        List<String> lines = new ArrayList<>(said.toString().lines().toList());
        lines.add(
                invocation instanceof Invocation.Done done ? "exit status " + done.exitStatus() : "the daemon starts");
        return lines;
    }
}

package io.flannelj.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManualTest {
    @TempDir
    private Path share;

    @BeforeEach
    void write() throws IOException {
        Manual.write(share, "1.2.3");
    }

    private String page(String name) throws IOException {
        return Files.readString(share.resolve("man/man8").resolve(name + ".8")).replace("\\-", "-");
    }

    @Test
    void everyFlagOfTheHelpIsInTheManual() throws IOException {
        StringWriter help = new StringWriter();
        new CommandLine(Map.of(), new PrintWriter(help), new PrintWriter(help), "").read("--help");
        List<String> flags = Pattern.compile("--[a-z][a-z_0-9-]+")
                .matcher(help.toString())
                .results()
                .map(MatchResult::group)
                .toList();

        assertThat(flags).hasSizeGreaterThan(50);
        assertThat(page("flanneld-j"))
                .contains(flags)
                .contains("flanneld-j 1.2.3", ".SH EXIT STATUS", ".SH FILES")
                .containsSubsequence(".SH OPTIONS", ".SS Common", "--etcd-endpoints", ".SS etcd", "--etcd-prefix");
    }

    @Test
    void everyCommandHasAPageAndTheProgramNamesIt() throws IOException {
        for (String command : List.of("status", "peers", "leases", "cleanup", "docker-opts")) {
            assertThat(page("flanneld-j-" + command)).contains("\\fBflanneld-j " + command + "\\fR", ".SH EXIT STATUS");
            assertThat(page("flanneld-j")).contains("flanneld-j-" + command + "\\fR(8)");
        }
        assertThat(page("flanneld-j-leases")).contains("\\fBreserve\\fR \\fISUBNET\\fR", "--public-ip");
    }

    @Test
    void noLineIsAnOrderByChance() throws IOException {
        assertThat(page("flanneld-j").lines())
                .filteredOn(line -> line.startsWith(".") || line.startsWith("'"))
                .allMatch(line -> line.matches("\\.(TH|SH|SS|TP|PP|I|RS|RE|nf|fi|nh|ad|br)\\b.*"));
    }

    @Test
    void theShellCompletesCommandsAndFlags() throws IOException {
        assertThat(Files.readString(share.resolve("bash-completion/completions/flanneld-j")))
                .contains("complete -F", "status peers", "docker-opts", "--etcd-endpoints");
    }
}

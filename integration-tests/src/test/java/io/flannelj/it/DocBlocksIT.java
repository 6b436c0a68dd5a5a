package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lab.Commands;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every block of README and docs/ is run by a test as printed, or stands in {@code docs/blocks.tsv} with why not. */
class DocBlocksIT {
    @Test
    void everyBlockIsListedWithWhatBecomesOfIt() {
        List<String> printed = DocBlock.all().stream()
                .map(block -> block.page() + "\t" + block.firstLine())
                .toList();
        List<String> listed = DocBlock.Listed.all().stream()
                .map(entry -> entry.page() + "\t" + entry.firstLine())
                .toList();
        assertThat(listed).containsExactlyInAnyOrderElementsOf(printed);
        assertThat(DocBlock.Listed.all())
                .allMatch(entry -> entry.how().matches("on etcd|on each node|on node 1|here|config|shell|no: .+"));
    }

    @Test
    void networkConfigsAreValid() throws ConfigException {
        for (DocBlock.Listed entry : DocBlock.Listed.all()) {
            if (entry.how().equals("config")) {
                NetworkConfig.parse(entry.block().text());
            }
        }
    }

    @Test
    void blocksForTheCheckoutRunAsPrinted() {
        for (DocBlock.Listed entry : DocBlock.Listed.all()) {
            if (entry.how().equals("here")) {
                Commands.run("bash", "-ec", "cd .. && " + entry.block().text()).orThrow();
            }
        }
    }

    /** What no test runs is at least something that the shell reads, and the files of ours that it names exist. */
    @Test
    void whatIsNotRunCanBeRead() {
        for (DocBlock.Listed entry : DocBlock.Listed.all()) {
            if (entry.how().equals("shell")) {
                String text = entry.block().text();
                assertThat(Commands.run("bash", "-n", "-c", text).succeeded())
                        .as(text)
                        .isTrue();
                for (String word : text.split("[\\s;|&()]+", -1)) {
                    if (word.matches("(\\./mvnw|(deploy|integration-tests)/[a-z/.-]*[a-z])")
                            && !word.contains("target")) {
                        assertThat(DocBlock.ROOT.resolve(word)).exists();
                    }
                }
            }
        }
    }
}

package io.flannelj.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A fenced block of a document, as printed.
 *
 * @param page from the root of the repository, e.g. {@code docs/kubernetes.md}
 */
record DocBlock(String page, String text) {
    static final Path ROOT = Path.of("..");
    private static final Pattern FENCED = Pattern.compile("(?ms)^( *)```\\w*\\n(.*?)^ *```$");

    /** What a list calls it by. */
    String firstLine() {
        return text.lines().findFirst().orElse("").strip();
    }

    /** All blocks of README and docs/, in their order. */
    static List<DocBlock> all() {
        List<DocBlock> blocks = new ArrayList<>();
        try (Stream<Path> found = Files.walk(ROOT.resolve("docs"))) {
            List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md")));
            found.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
            for (Path page : pages) {
                Matcher blocksOfPage = FENCED.matcher(Files.readString(page));
                while (blocksOfPage.find()) {
                    String indented = blocksOfPage.group(2);
                    int indent = blocksOfPage.group(1).length();
                    blocks.add(new DocBlock(
                            ROOT.relativize(page).toString(), indented.replaceAll("(?m)^ {" + indent + "}", "")));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return blocks;
    }

    /**
     * What the list says of a block.
     *
     * @param how {@code on etcd}, {@code on each node}, {@code on node 1}: run there, in the list's order; {@code config}: a
     *     network config; {@code no: reason} for what no test runs
     */
    record Listed(String page, String firstLine, String how) {
        static List<Listed> all() {
            try {
                return Files.readAllLines(Path.of("src/test/resources/docs/blocks.tsv")).stream()
                        .filter(line -> !line.isBlank() && !line.startsWith("#"))
                        .map(line -> line.split("\t", 3))
                        .map(columns -> new Listed(columns[0], columns[2], columns[1]))
                        .toList();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        DocBlock block() {
            return DocBlock.all().stream()
                    .filter(block ->
                            block.page().equals(page) && block.firstLine().equals(firstLine))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException(page + " has no block that begins with " + firstLine));
        }
    }
}

package io.flannelj.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import picocli.AutoComplete;
import picocli.CommandLine.Model.CommandSpec;

/**
 * What is installed beside the program so that a person finds its way: manual pages, and the shell's completion. Both are
 * made from the flags themselves, when the distribution is built.
 */
public final class Manual {
    private static final String PROGRAM = "flanneld-j";

    private Manual() {}

    /** Arguments: the folder that stands for {@code /usr/share}, and the version. */
    public static void main(String[] arguments) throws IOException {
        write(Path.of(arguments[0]), arguments[1]);
    }

    static void write(Path share, String version) throws IOException {
        picocli.CommandLine parser = parser(version);
        Path pages = Files.createDirectories(share.resolve("man/man8"));
        CommandSpec program = parser.getCommandSpec();
        Files.writeString(pages.resolve(PROGRAM + ".8"), ManualPage.of(program, version));
        for (picocli.CommandLine command : parser.getSubcommands().values()) {
            CommandSpec spec = command.getCommandSpec();
            if (!spec.usageMessage().hidden()) {
                Files.writeString(pages.resolve(ManualPage.name(spec) + ".8"), ManualPage.of(spec, version));
            }
        }
        Path completions = Files.createDirectories(share.resolve("bash-completion/completions"));
        Files.writeString(completions.resolve(PROGRAM), AutoComplete.bash(PROGRAM, parser));
    }

    private static picocli.CommandLine parser(String version) {
        PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
        return new CommandLine(Map.of(), nowhere, nowhere, version).parser();
    }
}

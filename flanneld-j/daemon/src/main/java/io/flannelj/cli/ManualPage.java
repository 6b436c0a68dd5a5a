package io.flannelj.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** One command's page of the manual, in the language of man(7). */
final class ManualPage {
    private static final String FILES = """
            .SH FILES
            .TP
            .I /etc/default/flanneld-j
            the service's flags, as variables (packages for Debian and Fedora)
            .TP
            .I /run/flannel/subnet.env
            this node's subnet and MTU, as flannel writes them
            .TP
            .I /run/flannel-j/flanneld-j.sock
            where the daemon answers the commands
            .TP
            .I /var/lib/flannel-j
            keys, and the last lease and peers, which must outlive restarts
            .SH EXAMPLES
            .nf
            etcdctl put /coreos.com/network/config '{"Network": "10.5.0.0/16", "Backend": {"Type": "vxlan"}}'
            flanneld\\-j \\-\\-etcd\\-endpoints http://192.0.2.1:2379 \\-\\-ip\\-masq
            flanneld\\-j status
            .fi
            """;

    private final StringBuilder page = new StringBuilder(4096);
    private final CommandSpec command;
    private final boolean isProgram;

    private ManualPage(CommandSpec command) {
        this.command = command;
        this.isProgram = command.parent() == null;
    }

    /** {@code flanneld-j-leases} for {@code flanneld-j leases}. */
    static String name(CommandSpec command) {
        return command.qualifiedName("-");
    }

    static String of(CommandSpec command, String version) {
        return new ManualPage(command).write(version);
    }

    private String write(String version) {
        page.append(".TH \"")
                .append(escape(name(command).toUpperCase(Locale.ROOT)))
                .append("\" 8 \"\" \"flanneld\\-j ")
                .append(escape(version))
                .append("\" \"System administration\"\n.nh\n.ad l\n");
        heading("NAME");
        String header = String.join(" ", command.usageMessage().header());
        line(escape(name(command)) + " \\- " + escape(uncapitalised(header)));
        heading("SYNOPSIS");
        synopsis();
        heading("DESCRIPTION");
        line(escape(header));
        paragraphs(command.usageMessage().description());
        options();
        commands();
        if (isProgram) {
            page.append(FILES);
        }
        footer();
        seeAlso();
        return page.toString();
    }

    private void synopsis() {
        if (isProgram) {
            line("\\fBflanneld\\-j\\fR [\\fIflags\\fR]\n.br\n\\fBflanneld\\-j\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]");
        } else {
            String more = command.subcommands().isEmpty() ? "" : " [\\fICOMMAND\\fR]";
            line("\\fB" + escape(command.qualifiedName()) + "\\fR" + more + " [\\fIoptions\\fR]" + parameters(command));
        }
    }

    private static String parameters(CommandSpec command) {
        return command.positionalParameters().stream()
                .map(parameter -> " \\fI" + escape(parameter.paramLabel()) + "\\fR")
                .collect(Collectors.joining());
    }

    private void options() {
        Map<String, List<OptionSpec>> sections = FlagSection.of(command);
        if (sections.isEmpty() && command.positionalParameters().isEmpty()) {
            return;
        }
        heading("OPTIONS");
        command.positionalParameters().forEach(this::parameter);
        sections.forEach((section, options) -> {
            if (sections.size() > 1) {
                page.append(".SS ").append(escape(section)).append('\n');
            }
            options.forEach(this::option);
        });
    }

    /** What a command of this command takes beside the flags of both. */
    private void ownOptions(CommandSpec sub) {
        sub.positionalParameters().forEach(this::parameter);
        sub.options().stream()
                .filter(option -> !option.hidden() && command.findOption(option.longestName()) == null)
                .forEach(this::option);
    }

    private void parameter(PositionalParamSpec parameter) {
        entry("\\fI" + escape(parameter.paramLabel()) + "\\fR", parameter);
    }

    private void option(OptionSpec option) {
        String value = "=\\fI" + escape(option.paramLabel()) + "\\fR";
        if (option.arity().max() == 0) {
            value = "";
        } else if (option.arity().min() == 0) {
            value = "[" + value + "]";
        }
        entry(
                List.of(option.names()).stream()
                                .map(name -> "\\fB" + escape(name) + "\\fR")
                                .collect(Collectors.joining(", "))
                        + value,
                option);
    }

    private void entry(String term, ArgSpec argument) {
        page.append(".TP\n").append(term).append('\n');
        line(escape(String.join(" ", argument.description())));
    }

    private void commands() {
        if (command.subcommands().isEmpty()) {
            return;
        }
        heading("COMMANDS");
        command.subcommands().forEach((name, sub) -> {
            CommandSpec spec = sub.getCommandSpec();
            if (spec.usageMessage().hidden()) {
                return;
            }
            page.append(".TP\n\\fB")
                    .append(escape(name))
                    .append("\\fR")
                    .append(parameters(spec))
                    .append('\n');
            String text = String.join(
                            " ",
                            isProgram
                                    ? spec.usageMessage().header()
                                    : spec.usageMessage().description())
                    .strip();
            line(escape(text));
            if (!isProgram) {
                page.append(".RS\n");
                ownOptions(spec);
                page.append(".RE\n");
            }
        });
    }

    private void footer() {
        StringBuilder environment = new StringBuilder();
        for (String line : command.usageMessage().footer()) {
            if (line.startsWith("Exit status: ")) {
                heading("EXIT STATUS");
                line(escape(line.substring("Exit status: ".length())));
            } else if (!line.isBlank()) {
                environment.append(line).append(' ');
            }
        }
        if (environment.length() > 0) {
            heading("ENVIRONMENT");
            line(escape(environment.toString().strip()));
        }
    }

    private void seeAlso() {
        heading("SEE ALSO");
        line(
                isProgram
                        ? command.subcommands().values().stream()
                                .map(sub -> sub.getCommandSpec())
                                .filter(spec -> !spec.usageMessage().hidden())
                                .map(spec -> "\\fB" + escape(name(spec)) + "\\fR(8)")
                                .collect(Collectors.joining(",\n"))
                        : "\\fBflanneld\\-j\\fR(8)");
    }

    private void paragraphs(String... texts) {
        for (String text : texts) {
            if (!text.isBlank()) {
                page.append(".PP\n");
                line(escape(text));
            }
        }
    }

    private void heading(String title) {
        page.append(".SH ").append(title).append('\n');
    }

    private void line(String text) {
        page.append(text).append('\n');
    }

    private static String uncapitalised(String sentence) {
        String text = sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
        return text.isEmpty() ? text : Character.toLowerCase(text.charAt(0)) + text.substring(1);
    }

    /** A backslash and a dash are orders elsewhere; a dot or an apostrophe at the start of a line is one, too. */
    private static String escape(String text) {
        String plain = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ");
        return plain.startsWith(".") || plain.startsWith("'") ? "\\&" + plain : plain;
    }
}

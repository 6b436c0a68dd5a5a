package io.flannelj.cli;

import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Layout;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The list of flags in a command's help, by {@link FlagSection}. */
final class SectionedHelp implements IHelpSectionRenderer {
    private static final int COLUMNS = 80;

    private SectionedHelp() {}

    /** Sets a program and all its commands to help of 80 columns, with sections. */
    static picocli.CommandLine on(picocli.CommandLine program) {
        program.setUsageHelpWidth(COLUMNS);
        addTo(program);
        return program;
    }

    private static void addTo(picocli.CommandLine command) {
        command.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, new SectionedHelp());
        command.getSubcommands().values().forEach(SectionedHelp::addTo);
    }

    @Override
    public String render(Help help) {
        var sections = FlagSection.of(help.commandSpec());
        return sections.entrySet().stream()
                .map(section ->
                        (sections.size() == 1 ? "" : "\n" + section.getKey() + ":\n") + list(help, section.getValue()))
                .collect(Collectors.joining());
    }

    private static String list(Help help, List<OptionSpec> options) {
        Layout layout = help.createDefaultLayout(
                help.commandSpec().options(), help.commandSpec().positionalParameters(), help.colorScheme());
        layout.addOptions(options, help.parameterLabelRenderer());
        return layout.toString();
    }
}

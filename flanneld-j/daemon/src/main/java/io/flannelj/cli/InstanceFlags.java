package io.flannelj.cli;

import io.flannelj.config.Instance;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which of this host's daemons is meant. */
final class InstanceFlags {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    private Instance instance = Instance.ONLY;

    @Option(
            names = "--control-socket",
            paramLabel = "FILE",
            order = 1,
            description = "where commands and the CNI plugin reach the daemon (/run/flannel-j/flanneld-j.sock)")
    private String controlSocket = "";

    @Option(
            names = "--instance",
            paramLabel = "NAME",
            order = 1,
            description = "name of this daemon, where several run on one host: its files are /run/flannel/NAME.env,"
                    + " /run/flannel-j/NAME.sock and /var/lib/flannel-j/NAME, and the names of its firewall chains"
                    + " end in -NAME")
    void name(String name) {
        try {
            instance = new Instance(name);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), "--instance " + e.getMessage());
        }
    }

    Instance instance() {
        return instance;
    }

    Path controlSocket() {
        return controlSocket.isEmpty() ? instance.controlSocket() : Path.of(controlSocket);
    }
}

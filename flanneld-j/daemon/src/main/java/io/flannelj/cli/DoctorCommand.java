package io.flannelj.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.config.PathOptions;
import io.flannelj.doctor.Diagnosis;
import io.flannelj.doctor.Doctor;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.explain.Verdict;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flanneld-j doctor}: what is wrong with this host for the daemon. */
@Command(
        name = "doctor",
        header = "Looks whether this host and its store are fit for the daemon; before and after it is installed.",
        description = {
            "Looks at kernel, TUN device, packet filter, kernel parameters, MTU, other daemons, the store, the network config,"
                    + " and at what others left on this host. Changes nothing. What is wrong stands at the end, each with its"
                    + " remedy. The store is named as for the daemon, by flags or by environment.",
            ""
        },
        footer = "Exit status: 0 nothing is wrong, 1 something is, 2 wrong options.")
final class DoctorCommand extends HostCommand {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, String> environment;
    private final StoreOpener stores;

    @Option(
            names = "--subnet-file",
            paramLabel = "FILE",
            description = "as the daemon's; read while no daemon answers (/run/flannel/subnet.env)")
    private String subnetFile = "";

    @Mixin
    private StoreFlags store = new StoreFlags();

    @Mixin
    private OutputFlag output = new OutputFlag();

    DoctorCommand(Map<String, String> environment, PrintWriter out, PrintWriter err, StoreOpener stores) {
        super(out, err, REFUSED);
        this.environment = environment;
        this.stores = stores;
    }

    @Override
    int run() {
        List<Diagnosis> found = Doctor.look(
                askDaemon(instance),
                PathOptions.of(instance.instance(), subnetFile, "").subnetFile(),
                () -> store.open(environment, stores));
        List<Diagnosis> wrong = wrong(found);
        if (output.isJson()) {
            ArrayNode all = JSON.createArrayNode();
            found.forEach(diagnosis -> all.add(json(diagnosis)));
            OutputFlag.print(out, all);
        } else {
            found.forEach(diagnosis -> out.printf(
                    "%-8s%-15s %s%n", diagnosis.verdict().label(), diagnosis.subject(), diagnosis.evidence()));
            out.println();
            out.println(wrong.isEmpty() ? "nothing is wrong" : wrong.size() + " wrong:");
            wrong.forEach(diagnosis -> out.printf(
                    "%s: %s%n    remedy: %s%n", diagnosis.subject(), diagnosis.evidence(), diagnosis.remedy()));
        }
        return wrong.isEmpty() ? GOOD : REFUSED;
    }

    static List<Diagnosis> wrong(List<Diagnosis> found) {
        return found.stream()
                .filter(diagnosis -> diagnosis.verdict() == Verdict.BROKEN)
                .toList();
    }

    /** Null when no daemon answers. */
    static @Nullable DaemonFacts askDaemon(InstanceFlags instance) {
        try {
            return new ControlClient(instance.controlSocket()).ask();
        } catch (IOException e) {
            return null;
        }
    }

    private static ObjectNode json(Diagnosis diagnosis) {
        ObjectNode node = JSON.createObjectNode()
                .put("verdict", diagnosis.verdict().label())
                .put("subject", diagnosis.subject())
                .put("evidence", diagnosis.evidence());
        return diagnosis.verdict() == Verdict.BROKEN ? node.put("remedy", diagnosis.remedy()) : node;
    }
}

package io.flannelj.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.cleanup.Leaving;
import io.flannelj.cleanup.Leavings;
import io.flannelj.cleanup.RunningDaemons;
import io.flannelj.config.PathOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flanneld-j cleanup}: takes away what a daemon that is gone left on this host. */
@Command(
        name = "cleanup",
        header = "Removes what a stopped daemon left on this host.",
        description = {
            "Removes devices, routes, neighbours and firewall rules that a daemon with --keep-on-stop left in force, or that"
                    + " a killed daemon could not remove. It keeps the bridge and the pods' interfaces and addresses, which"
                    + " belong to the CNI plugin, and the lease (see flanneld-j leases release). Rules under flannel's names"
                    + " are removed, even if flannel wrote them.",
            ""
        },
        footer = "Exit status: 0 nothing is left, 1 refused or not all could be removed, 2 wrong options.",
        sortOptions = false)
final class CleanupCommand extends HostCommand {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Option(names = "--dry-run", description = "only say what would go")
    private boolean dryRun;

    @Option(
            names = "--files",
            description = "also remove the subnet file, the sockets and what the state directory keeps")
    private boolean withFiles;

    @Option(names = "--subnet-file", paramLabel = "FILE", description = "as the daemon's (/run/flannel/subnet.env)")
    private String subnetFile = "";

    @Option(names = "--state-dir", paramLabel = "DIR", description = "as the daemon's (/var/lib/flannel-j)")
    private String stateDirectory = "";

    @Mixin
    private OutputFlag output = new OutputFlag();

    CleanupCommand(PrintWriter out, PrintWriter err) {
        super(out, err, REFUSED);
    }

    @Override
    int run() throws IOException, RefusedException {
        if (!isRoot()) {
            throw new RefusedException("run it as root; others see neither rules nor devices to remove");
        }
        List<String> running = running();
        if (!running.isEmpty()) {
            throw new RefusedException(String.join("; ", running) + ": it uses what would be removed; stop it first");
        }
        PathOptions paths = PathOptions.of(instance.instance(), subnetFile, stateDirectory);
        try (Leavings leavings = Leavings.find(paths, instance.controlSocket(), withFiles)) {
            return clean(leavings);
        }
    }

    /** It enters no namespace of a pod, so that the container that uninstalls may do without CAP_SYS_ADMIN. */
    private static boolean isRoot() throws IOException {
        return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    }

    /** One in another PID namespace, as in a container, is found by its socket. */
    private List<String> running() throws IOException {
        List<String> running = new ArrayList<>(RunningDaemons.find());
        try {
            daemon().get("/healthz");
            running.add("a daemon that answers at " + instance.controlSocket());
        } catch (IOException e) {
            return running;
        }
        return running;
    }

    private int clean(Leavings leavings) {
        List<String> gone = new ArrayList<>();
        List<String> failed = new ArrayList<>();
        for (Leaving leaving : leavings.found()) {
            try {
                if (!dryRun) {
                    leaving.remove();
                }
                gone.add(leaving.name());
            } catch (IOException e) {
                failed.add(leaving.name() + ": " + e.getMessage());
            }
        }
        if (output.isJson()) {
            OutputFlag.print(out, json(gone, failed, leavings.leftAlone()));
        } else {
            gone.forEach(name -> out.println((dryRun ? "would remove " : "removed ") + name));
            failed.forEach(name -> out.println("could not remove " + name));
            leavings.leftAlone().forEach(name -> out.println("left alone: " + name));
            if (gone.isEmpty() && failed.isEmpty()) {
                out.println("nothing of ours is left");
            }
        }
        return failed.isEmpty() ? 0 : REFUSED;
    }

    private ObjectNode json(List<String> gone, List<String> failed, List<String> leftAlone) {
        ObjectNode node = JSON.createObjectNode().put("dryRun", dryRun);
        node.set("removed", JSON.valueToTree(gone));
        node.set("failed", JSON.valueToTree(failed));
        node.set("leftAlone", JSON.valueToTree(leftAlone));
        return node;
    }
}

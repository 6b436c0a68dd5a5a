package io.flannelj.cli;

import io.flannelj.config.AdminOptions;
import io.flannelj.config.AdminOptions.HttpAddress;
import io.flannelj.config.ConfigException;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.LeaseOptions;
import io.flannelj.config.PathOptions;
import io.flannelj.config.Problems;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The daemon's flags, under flannel's names and with its defaults. Filled in by picocli. */
@Command(
        name = FlannelFlags.PROGRAM,
        sortOptions = false,
        commandListHeading = "%nCommands:%n",
        header = "A flannel-compatible overlay network whose data path runs in user space.",
        customSynopsis = {
            "flanneld-j [flags]             run the daemon",
            "       flanneld-j COMMAND [options]   one of the commands below; each has --help",
            "",
            "With etcd:       flanneld-j --etcd-endpoints http://192.0.2.10:2379 --ip-masq",
            "With Kubernetes: flanneld-j --kube-subnet-mgr --ip-masq"
        },
        footer = {
            "",
            "Every flag can be given as an environment variable: --etcd-prefix is FLANNELD_ETCD_PREFIX.",
            "Exit status: 0 stopped on request, 1 failed, 2 wrong flags or configuration."
        })
final class FlannelFlags {
    static final String PROGRAM = "flanneld-j";

    private static final String BOOL = "true|false";

    @Mixin
    private final StoreFlags store = new StoreFlags();

    @Option(
            names = "--set-node-network-unavailable",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "once ready, clear the node's condition NetworkUnavailable (${DEFAULT-VALUE})")
    private boolean announceReadiness = true;

    @Mixin
    private final UplinkFlags uplink = new UplinkFlags();

    @Mixin
    private final LeaseFlags lease = new LeaseFlags();

    @Mixin
    private final HostRuleFlags hostRules = new HostRuleFlags();

    @Mixin
    private final DatapathFlags datapath = new DatapathFlags();

    @Mixin
    private final HandoverFlags handover = new HandoverFlags();

    @Mixin
    private final InstanceFlags instance = new InstanceFlags();

    @Option(names = "--subnet-file", paramLabel = "FILE", description = "path of subnet.env (/run/flannel/subnet.env)")
    private String subnetFile = "";

    @Option(
            names = "--state-dir",
            paramLabel = "DIR",
            description = "files that must survive restarts (/var/lib/flannel-j)")
    private String stateDirectory = "";

    @Option(
            names = "--allow-extension-commands",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "run the commands of the extension backend, as root, even if the network config comes from"
                    + " etcd (${DEFAULT-VALUE})")
    private boolean allowExtensionCommands;

    @Option(names = "--healthz-ip", paramLabel = "IP", description = "address of the HTTP server (${DEFAULT-VALUE})")
    private String healthzIp = "127.0.0.1";

    @Option(
            names = "--healthz-port",
            paramLabel = "PORT",
            description = "port of /healthz, /readyz, /metrics and the status page; 0: none (${DEFAULT-VALUE})")
    private int healthzPort;

    @Option(
            names = "--metrics-ip",
            paramLabel = "IP",
            description = "address of a second HTTP server, which serves only /metrics (${DEFAULT-VALUE})")
    private String metricsIp = "127.0.0.1";

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            description = "port of the second HTTP server; 0: none (${DEFAULT-VALUE})")
    private int metricsPort;

    @Option(
            names = "--metrics-peers",
            paramLabel = "NODES",
            description = "up to so many other nodes, each has metrics of its own: round-trip time, loss, path MTU,"
                    + " packets and bytes; 0: never (${DEFAULT-VALUE})")
    private int metricsPeers = AdminOptions.USUAL_METRICS_PEERS;

    @Option(
            names = "--explain-port",
            paramLabel = "PORT",
            description = "TCP port on the tunnel at which the explain command of other nodes is answered; 0: none"
                    + " (${DEFAULT-VALUE})")
    private int queryPort = AdminOptions.USUAL_QUERY_PORT;

    @Option(
            names = "--cni-warmup-ms",
            paramLabel = "MILLISECONDS",
            description =
                    "after the start, run CNI calls in private namespaces for this long, so that the plugin's code"
                            + " is compiled for the first pods; 0 turns it off (2000)")
    private @Nullable Integer cniWarmupMillis;

    @Option(names = "--cni-rehearsal-ms", hidden = true) // the former name, until 0.3
    private int cniRehearsalMillis = 2000;

    @Option(
            names = {"-v", "--v"},
            paramLabel = "LEVEL",
            description = "log level, as in flannel: 0 normal, 1 and above debug (${DEFAULT-VALUE})")
    private int verbosity;

    @Option(
            names = {"--vmodule", "--log_backtrace_at"},
            paramLabel = "TEXT",
            description = "flags of flannel's logging library; accepted, without effect")
    void takeWithoutEffect(String text) {
        // klog is not ours
    }

    @Option(
            names = "--version",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "print the version")
    private boolean version;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "print this")
    private boolean help;

    DaemonOptions toOptions(Map<String, String> environment) throws ConfigException {
        Problems problems = new Problems("the command line");
        LeaseOptions leaseOptions = lease.options(problems);
        DaemonOptions options = new DaemonOptions(
                store.options(environment, announceReadiness, problems),
                uplink.options(problems),
                leaseOptions,
                hostRules.options(problems),
                datapath.options(problems),
                AdminOptions.of(
                        HttpAddress.of("--healthz", healthzIp, healthzPort, problems),
                        HttpAddress.of("--metrics", metricsIp, metricsPort, problems),
                        instance.controlSocket(),
                        queryPort,
                        metricsPeers,
                        problems),
                PathOptions.of(instance.instance(), subnetFile, stateDirectory),
                handover.options(leaseOptions, problems),
                allowExtensionCommands,
                DaemonOptions.cniWarmup(cniWarmupMillis == null ? cniRehearsalMillis : cniWarmupMillis, problems));
        problems.throwIfAny();
        return options;
    }

    int verbosity() {
        return verbosity;
    }

    boolean wantsVersion() {
        return version;
    }

    boolean wantsHelp() {
        return help;
    }
}

package io.flannelj.cli;

import io.flannelj.config.ConfigException;
import io.flannelj.config.DaemonOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The daemon's flags, under flannel's names and with its defaults. Filled in by picocli. */
@Command(
        name = "flanneld-j",
        sortOptions = false,
        header = "A flannel-compatible overlay network whose data path runs in user space.",
        customSynopsis = {
            "flanneld-j [flags]             run the daemon",
            "       flanneld-j COMMAND [options]   one of the commands below; each has --help"
        },
        footer = {
            "",
            "Every flag can be given as an environment variable: --etcd-prefix is FLANNELD_ETCD_PREFIX.",
            "Exit status: 0 asked to stop, 1 failed, 2 wrong flags or configuration."
        })
final class FlannelFlags {
    private static final String BOOL = "true|false";

    @Mixin
    private StoreFlags store = new StoreFlags();

    @Option(
            names = "--iface",
            paramLabel = "NAME|IP",
            description = "interface to the other nodes; may be given several times, the first that fits is taken")
    private List<String> interfaces = new ArrayList<>();

    @Option(
            names = "--iface-regex",
            paramLabel = "REGEX",
            description = "as --iface, by pattern on addresses and names")
    private List<String> interfacePatterns = new ArrayList<>();

    @Option(names = "--iface-can-reach", paramLabel = "IP", description = "the interface that leads to this address")
    private String canReach = "";

    @Option(names = "--public-ip", paramLabel = "IP", description = "the address that other nodes send to")
    private String publicIp = "";

    @Option(names = "--public-ipv6", paramLabel = "IP", description = "the same for IPv6")
    private String publicIpv6 = "";

    @Option(
            names = "--subnet-file",
            paramLabel = "FILE",
            description = "where subnet.env goes (/run/flannel/subnet.env)")
    private String subnetFile = "";

    @Option(
            names = "--subnet-lease-renew-margin",
            paramLabel = "MINUTES",
            description = "renew the lease this long before it ends (${DEFAULT-VALUE})")
    private int renewMarginMinutes = 60;

    @Option(
            names = "--subnet-lease-ttl",
            paramLabel = "SECONDS",
            description = "how long the lease lasts unless renewed; at half of that it is renewed at the latest"
                    + " (${DEFAULT-VALUE})")
    private int timeToLiveSeconds = 86_400;

    @Option(
            names = "--subnet-lease-release",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "give the lease back when asked to stop (${DEFAULT-VALUE})")
    private boolean releaseOnStop;

    @Option(
            names = "--ip-masq",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "masquerade traffic that leaves the pod network (${DEFAULT-VALUE})")
    private boolean ipMasq;

    @Option(
            names = "--ip-masq-fully-random-disable",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "do not randomise ports fully when masquerading (${DEFAULT-VALUE})")
    private boolean randomFullyDisable;

    @Option(
            names = "--iptables-resync",
            paramLabel = "SECONDS",
            description = "check the firewall rules this often (${DEFAULT-VALUE})")
    private int firewallResyncSeconds = 5;

    @Option(
            names = "--iptables-forward-rules",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "accept forwarded pod traffic (${DEFAULT-VALUE})")
    private boolean forwardRules = true;

    @Option(
            names = "--ip-blackhole-route",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "keep a blackhole route for the node's own subnet (${DEFAULT-VALUE})")
    private boolean blackholeRoute;

    @Option(
            names = "--compat-nft",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "write flannel's nftables rules also where they are wrong (${DEFAULT-VALUE})")
    private boolean compatNft;

    @Option(
            names = "--keep-on-stop",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description =
                    "when asked to stop, leave routes, rules and the kernel's VXLAN device in force, as flannel does,"
                            + " for the next start to take over (${DEFAULT-VALUE})")
    private boolean keepOnStop;

    @Option(
            names = "--await-predecessor",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description =
                    "where another flanneld-j answers at --control-socket, prepare, wait until it has stopped, and"
                            + " take over at once (${DEFAULT-VALUE})")
    private boolean awaitPredecessor;

    @Option(names = "--healthz-ip", paramLabel = "IP", description = "address of the HTTP server (${DEFAULT-VALUE})")
    private String healthzIp = "0.0.0.0";

    @Option(
            names = "--healthz-port",
            paramLabel = "PORT",
            description = "port of /healthz, /readyz, /metrics and the status page; 0 for none (${DEFAULT-VALUE})")
    private int healthzPort;

    @Mixin
    private InstanceFlags instance = new InstanceFlags();

    @Option(names = "--state-dir", paramLabel = "DIR", description = "what must survive restarts (/var/lib/flannel-j)")
    private String stateDirectory = "";

    @Option(names = "--tun-device", paramLabel = "FILE", description = "the TUN driver (${DEFAULT-VALUE})")
    private String tunDevice = "/dev/net/tun";

    @Option(
            names = "--busy-poll-us",
            paramLabel = "MICROSECONDS",
            description =
                    "with sparse traffic, ask for the next packet this long before sleeping; 0 saves processor time,"
                            + " more lowers latency (${DEFAULT-VALUE})")
    private int busyPollMicros = 50;

    @Option(
            names = "--vxlan-datapath",
            paramLabel = "userspace|kernel|auto",
            description = "who carries VXLAN on this node; as the network config says unless given")
    private String vxlanDatapath = "";

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "threads that carry packets, each with a TUN queue and a socket; 0 for one below four"
                    + " processors, else half of them and at most four (${DEFAULT-VALUE})")
    private int workers;

    @Option(
            names = "--pin-workers",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description = "keep each worker on a processor of its own (${DEFAULT-VALUE})")
    private boolean pinWorkers;

    @Option(
            names = "--thin-acks",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = BOOL,
            description =
                    "of bare TCP acknowledgements of one flow that wait together send only the last, which says all that"
                            + " the others did (${DEFAULT-VALUE})")
    private boolean thinAcks = true;

    @Option(
            names = "--cni-rehearsal-ms",
            paramLabel = "MILLISECONDS",
            description =
                    "after the start, play CNI calls in namespaces of our own that long, so that the first pods find"
                            + " the plugin's code compiled; 0 for not at all (${DEFAULT-VALUE})")
    private int cniRehearsalMillis = 2000;

    @Option(
            names = {"-v", "--v"},
            paramLabel = "LEVEL",
            description = "more log, as flannel counts it: 0 usual, 1 and more debug (${DEFAULT-VALUE})")
    private int verbosity;

    @Option(
            names = {"--vmodule", "--log_backtrace_at"},
            paramLabel = "TEXT",
            description = "of flannel's logging library; taken, and without effect here")
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
        return DaemonOptions.of(new DaemonOptions.Raw(
                store.etcdEndpoints,
                store.etcdPrefix,
                store.etcdKeyFile,
                store.etcdCertFile,
                store.etcdCaFile,
                store.etcdUsername,
                store.etcdPassword,
                store.kube(environment),
                interfaces,
                interfacePatterns,
                canReach,
                publicIp,
                publicIpv6,
                instance.instance(),
                subnetFile,
                timeToLiveSeconds,
                renewMarginMinutes,
                releaseOnStop,
                ipMasq,
                randomFullyDisable,
                firewallResyncSeconds,
                forwardRules,
                healthzIp,
                healthzPort,
                instance.controlSocket().toString(),
                stateDirectory,
                tunDevice,
                busyPollMicros,
                vxlanDatapath,
                blackholeRoute,
                compatNft,
                keepOnStop,
                awaitPredecessor,
                workers,
                pinWorkers,
                thinAcks,
                cniRehearsalMillis));
    }

    /** The defaults, with another store. */
    static DaemonOptions withStore(StoreFlags store, Map<String, String> environment) throws ConfigException {
        FlannelFlags flags = new FlannelFlags();
        flags.store = store;
        return flags.toOptions(environment);
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

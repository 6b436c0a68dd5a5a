package io.flannelj.config;

import io.flannelj.net.IpAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * How this one daemon runs: flannel's flags, as far as their features are built, and a few of our own. Valid once built.
 *
 * @param etcd how to reach the store
 * @param kube how to reach Kubernetes, which is the store then; null when etcd is
 * @param interfaces {@code --iface}, names or addresses, tried in order
 * @param interfacePatterns {@code --iface-regex}, tried in order after them
 * @param canReach {@code --iface-can-reach}: the interface that the kernel would use towards it; null when not given
 * @param publicIp {@code --public-ip}; null when not given
 * @param publicIpv6 {@code --public-ipv6}; null when not given
 * @param instance which of this host's daemons this is
 * @param subnetFile where subnet.env goes
 * @param leases how our own lease is kept
 * @param ipMasq masquerade what leaves the pod network
 * @param randomFully let masquerading randomise ports fully, where the firewall can
 * @param firewallResync how often the rules are checked
 * @param forwardRules accept forwarded pod traffic
 * @param healthz address of the HTTP server; its port 0 means none
 * @param controlSocket where operator commands and the CNI plugin reach the daemon
 * @param stateDirectory what must survive restarts
 * @param tunDevice usually {@code /dev/net/tun}
 * @param busyPoll how long an idle data path goes on asking for packets before it sleeps
 * @param vxlanDatapath {@code --vxlan-datapath}; null leaves it to the network config
 * @param blackholeRoute keep a blackhole route for our own subnet
 * @param compatNft flannel's nftables text also where it is wrong
 * @param handover how this daemon and the lives before and after it follow each other
 * @param workers data path threads, 1 or more
 * @param pinWorkers whether each of them keeps to one processor
 * @param thinAcks whether needless TCP acknowledgements are left out
 * @param cniRehearsal how long the CNI engine is played through after the start; zero for not at all
 */
public record DaemonOptions(
        Etcd etcd,
        @Nullable KubeOptions kube,
        List<String> interfaces,
        List<String> interfacePatterns,
        @Nullable IpAddress canReach,
        @Nullable IpAddress publicIp,
        @Nullable IpAddress publicIpv6,
        Instance instance,
        Path subnetFile,
        Leases leases,
        boolean ipMasq,
        boolean randomFully,
        Duration firewallResync,
        boolean forwardRules,
        Healthz healthz,
        Path controlSocket,
        Path stateDirectory,
        String tunDevice,
        Duration busyPoll,
        @Nullable Datapath vxlanDatapath,
        boolean blackholeRoute,
        boolean compatNft,
        Handover handover,
        int workers,
        boolean pinWorkers,
        boolean thinAcks,
        Duration cniRehearsal) {

    private static final int MAX_WORKERS = 64;

    /** Below four processors, a second worker would take from pods what it gives: measured, docs/performance.md. */
    static int workersFor(int processors) {
        return processors < 4 ? 1 : Math.min(processors / 2, 4);
    }

    /**
     * How our own lease is kept.
     *
     * @param timeToLive in the store, unless renewed
     * @param renewMargin how long before its end it is renewed
     * @param releaseOnStop whether it is given back when the daemon is asked to stop
     */
    public record Leases(Duration timeToLive, Duration renewMargin, boolean releaseOnStop) {}

    /**
     * How one daemon of this node follows another.
     *
     * @param keepOnStop whether what the kernel carries by itself stays in force when this one is asked to stop
     * @param awaitPredecessor whether to wait, all prepared, for one that still runs, instead of refusing to start
     */
    public record Handover(boolean keepOnStop, boolean awaitPredecessor) {}

    /**
     * The store's whereabouts; empty texts mean "not given".
     *
     * @param endpoints URLs
     */
    public record Etcd(
            List<String> endpoints,
            String prefix,
            String keyFile,
            String certFile,
            String caFile,
            String username,
            String password) {
        public Etcd {
            endpoints = List.copyOf(endpoints);
        }
    }

    /**
     * Where the HTTP server listens.
     *
     * @param port 0 for no server
     */
    public record Healthz(IpAddress address, int port) {}

    /** What the operator typed, before anybody has looked at it. Texts are empty where nothing was typed. */
    public record Raw(
            String etcdEndpoints,
            String etcdPrefix,
            String etcdKeyFile,
            String etcdCertFile,
            String etcdCaFile,
            String etcdUsername,
            String etcdPassword,
            KubeOptions.@Nullable Raw kube,
            List<String> interfaces,
            List<String> interfacePatterns,
            String canReach,
            String publicIp,
            String publicIpv6,
            Instance instance,
            String subnetFile,
            int timeToLiveSeconds,
            int renewMarginMinutes,
            boolean releaseOnStop,
            boolean ipMasq,
            boolean randomFullyDisable,
            int firewallResyncSeconds,
            boolean forwardRules,
            String healthzIp,
            int healthzPort,
            String controlSocket,
            String stateDirectory,
            String tunDevice,
            int busyPollMicros,
            String vxlanDatapath,
            boolean blackholeRoute,
            boolean compatNft,
            boolean keepOnStop,
            boolean awaitPredecessor,
            int workers,
            boolean pinWorkers,
            boolean thinAcks,
            int cniRehearsalMillis) {}

    /**
     * Checks what was typed.
     *
     * @throws ConfigException with every problem at once, each under the flag to change
     */
    public static DaemonOptions of(Raw raw) throws ConfigException {
        Problems problems = new Problems("the command line");
        List<String> endpoints = List.of(raw.etcdEndpoints().split(",")).stream()
                .map(String::strip)
                .filter(endpoint -> !endpoint.isEmpty())
                .toList();
        problems.unless(!endpoints.isEmpty(), "--etcd-endpoints", "must name one URL at least");
        for (String endpoint : endpoints) {
            problems.unless(
                    isUrl(endpoint), "--etcd-endpoints", "\"" + endpoint + "\" must look like http://host:2379");
        }
        problems.unless(
                raw.etcdCertFile().isEmpty() == raw.etcdKeyFile().isEmpty(),
                "--etcd-certfile",
                "and --etcd-keyfile go together");
        problems.unless(
                raw.etcdUsername().isEmpty() || !raw.etcdPassword().isEmpty(),
                "--etcd-password",
                "is missing for user " + raw.etcdUsername());
        String prefix = raw.etcdPrefix().endsWith("/")
                ? raw.etcdPrefix().substring(0, raw.etcdPrefix().length() - 1)
                : raw.etcdPrefix();
        problems.unless(prefix.startsWith("/"), "--etcd-prefix", "must begin with a slash, was \"" + prefix + "\"");
        problems.unless(
                raw.renewMarginMinutes() >= 1 && raw.renewMarginMinutes() <= 1439,
                "--subnet-lease-renew-margin",
                "must be 1 to 1439 minutes, was " + raw.renewMarginMinutes());
        problems.unless(
                raw.timeToLiveSeconds() >= 5,
                "--subnet-lease-ttl",
                "must be at least 5 seconds, was " + raw.timeToLiveSeconds());
        problems.unless(
                raw.firewallResyncSeconds() >= 1,
                "--iptables-resync",
                "must be at least 1 second, was " + raw.firewallResyncSeconds());
        problems.unless(
                raw.healthzPort() >= 0 && raw.healthzPort() <= 65_535,
                "--healthz-port",
                "must be 0 to 65535, was " + raw.healthzPort());
        for (String pattern : raw.interfacePatterns()) {
            problems.unless(isPattern(pattern), "--iface-regex", "\"" + pattern + "\" is not a regular expression");
        }
        IpAddress canReach = address("--iface-can-reach", raw.canReach(), problems);
        IpAddress publicIp = address("--public-ip", raw.publicIp(), problems);
        problems.unless(
                publicIp == null || publicIp.isIpv4(), "--public-ip", "must be an IPv4 address; use --public-ipv6");
        IpAddress publicIpv6 = address("--public-ipv6", raw.publicIpv6(), problems);
        problems.unless(publicIpv6 == null || publicIpv6.isIpv6(), "--public-ipv6", "must be an IPv6 address");
        IpAddress healthzIp = address("--healthz-ip", raw.healthzIp(), problems);
        // sun_path of a Unix socket address holds 108 octets with the closing zero; the CNI plugin's has ".cni" behind
        // it
        problems.unless(
                raw.controlSocket().length() < 104,
                "--control-socket",
                "is too long for a Unix socket: " + raw.controlSocket());
        problems.unless(
                raw.busyPollMicros() >= 0 && raw.busyPollMicros() <= 1000,
                "--busy-poll-us",
                "must be 0 to 1000, was " + raw.busyPollMicros());
        Datapath vxlanDatapath = Datapath.read(raw.vxlanDatapath()).orElse(null);
        problems.unless(
                raw.vxlanDatapath().isEmpty() || vxlanDatapath != null,
                "--vxlan-datapath",
                "must be userspace, kernel or auto, was \"" + raw.vxlanDatapath() + "\"");
        problems.unless(
                !(raw.keepOnStop() && raw.releaseOnStop()),
                "--keep-on-stop",
                "cannot be together with --subnet-lease-release: routes to pods would outlive their lease");
        KubeOptions kube = raw.kube() == null ? null : KubeOptions.of(raw.kube(), problems);
        problems.unless(
                raw.workers() >= 0 && raw.workers() <= MAX_WORKERS,
                "--workers",
                "must be 0 (by the number of processors) to " + MAX_WORKERS + ", was " + raw.workers());
        problems.unless(
                raw.cniRehearsalMillis() >= 0 && raw.cniRehearsalMillis() <= 60_000,
                "--cni-rehearsal-ms",
                "must be 0 to 60000, was " + raw.cniRehearsalMillis());
        problems.throwIfAny();
        return new DaemonOptions(
                new Etcd(
                        endpoints,
                        prefix,
                        raw.etcdKeyFile(),
                        raw.etcdCertFile(),
                        raw.etcdCaFile(),
                        raw.etcdUsername(),
                        raw.etcdPassword()),
                kube,
                List.copyOf(raw.interfaces()),
                List.copyOf(raw.interfacePatterns()),
                canReach,
                publicIp,
                publicIpv6,
                raw.instance(),
                given(raw.subnetFile(), raw.instance().subnetFile()),
                new Leases(
                        Duration.ofSeconds(raw.timeToLiveSeconds()),
                        Duration.ofMinutes(raw.renewMarginMinutes()),
                        raw.releaseOnStop()),
                raw.ipMasq(),
                !raw.randomFullyDisable(),
                Duration.ofSeconds(raw.firewallResyncSeconds()),
                raw.forwardRules(),
                new Healthz(healthzIp == null ? IpAddress.ANY_V4 : healthzIp, raw.healthzPort()),
                Path.of(raw.controlSocket()),
                given(raw.stateDirectory(), raw.instance().stateDirectory()),
                raw.tunDevice(),
                Duration.ofNanos(raw.busyPollMicros() * 1000L),
                vxlanDatapath,
                raw.blackholeRoute(),
                raw.compatNft(),
                new Handover(raw.keepOnStop(), raw.awaitPredecessor()),
                raw.workers() > 0
                        ? raw.workers()
                        : workersFor(Runtime.getRuntime().availableProcessors()),
                raw.pinWorkers(),
                raw.thinAcks(),
                Duration.ofMillis(raw.cniRehearsalMillis()));
    }

    /** The same, but known to the others by other addresses; null changes nothing. */
    public DaemonOptions withPublicIps(@Nullable IpAddress ipv4, @Nullable IpAddress ipv6) {
        return ipv4 == null && ipv6 == null
                ? this
                : new DaemonOptions(
                        etcd,
                        kube,
                        interfaces,
                        interfacePatterns,
                        canReach,
                        ipv4 == null ? publicIp : ipv4,
                        ipv6 == null ? publicIpv6 : ipv6,
                        instance,
                        subnetFile,
                        leases,
                        ipMasq,
                        randomFully,
                        firewallResync,
                        forwardRules,
                        healthz,
                        controlSocket,
                        stateDirectory,
                        tunDevice,
                        busyPoll,
                        vxlanDatapath,
                        blackholeRoute,
                        compatNft,
                        handover,
                        workers,
                        pinWorkers,
                        thinAcks,
                        cniRehearsal);
    }

    private static Path given(String path, Path otherwise) {
        return path.isEmpty() ? otherwise : Path.of(path);
    }

    static boolean isUrl(String text) {
        try {
            URI uri = URI.create(text);
            return uri.getHost() != null && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static boolean isPattern(String text) {
        try {
            Pattern.compile(text);
            return true;
        } catch (PatternSyntaxException e) {
            return false;
        }
    }

    private static @Nullable IpAddress address(String flag, String text, Problems problems) {
        if (text.isEmpty()) {
            return null;
        }
        try {
            return IpAddress.parse(text);
        } catch (IllegalArgumentException e) {
            problems.add(flag, "must be an IP address, was \"" + text + "\"");
            return null;
        }
    }
}

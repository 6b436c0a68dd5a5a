package io.flannelj.explain;

import io.flannelj.cni.engine.KnownPod;
import io.flannelj.explain.filter.FilterRules;
import io.flannelj.linux.Background;
import io.flannelj.linux.Privileges;
import io.flannelj.linux.SyscallException;
import io.flannelj.linux.Sysctl;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.SubnetEnv;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** This host, looked at once: what of it more than one check needs. Used by one thread, in the node's network namespace. */
public final class Host implements AutoCloseable {
    private final DaemonSource source;
    private final NetlinkSocket netlink;
    private final @Nullable DaemonFacts daemon;
    private final String daemonProblem;
    private final @Nullable SubnetEnv lastRun;
    private final long askedAtNanos;
    private final List<Link> links;
    private final List<Address> addresses;
    private final List<KnownPod> pods;
    private final Map<IpFamily, CompletableFuture<FilterRules>> rules = new EnumMap<>(IpFamily.class);

    private Host(
            DaemonSource source,
            NetlinkSocket netlink,
            @Nullable DaemonFacts daemon,
            String daemonProblem,
            @Nullable SubnetEnv lastRun,
            long askedAtNanos,
            List<Link> links,
            List<Address> addresses,
            List<KnownPod> pods) {
        this.source = source;
        this.netlink = netlink;
        this.daemon = daemon;
        this.daemonProblem = daemonProblem;
        this.lastRun = lastRun;
        this.askedAtNanos = askedAtNanos;
        this.links = links;
        this.addresses = addresses;
        this.pods = pods;
    }

    /** Whether this process may look at interfaces, rules and the namespaces of pods. */
    public static boolean canLook() {
        return Privileges.has(Privileges.Capability.NET_ADMIN) && Privileges.has(Privileges.Capability.SYS_ADMIN);
    }

    /**
     * Looks around.
     *
     * @param cniDirectories where pods are kept, beside those that the daemon knows
     * @param subnetFile what the last run of the daemon left, for when none answers
     * @throws IOException when the kernel does not let us
     */
    public static Host look(DaemonSource source, List<Path> cniDirectories, Path subnetFile) throws IOException {
        DaemonFacts daemon = null;
        String problem = "";
        try {
            daemon = source.ask();
        } catch (IOException e) {
            problem = String.valueOf(e.getMessage());
        }
        long askedAtNanos = System.nanoTime();
        SubnetEnv lastRun = daemon == null ? SubnetEnv.readIfUsable(subnetFile).orElse(null) : null;
        NetlinkSocket netlink = NetlinkSocket.open();
        try {
            Links door = new Links(netlink);
            Set<Path> directories = new TreeSet<>(cniDirectories);
            directories.add(KnownPod.usualDirectory());
            if (daemon != null) {
                daemon.cniDirectories().forEach(directory -> directories.add(Path.of(directory)));
            }
            List<KnownPod> pods = new ArrayList<>();
            for (Path directory : directories) {
                pods.addAll(KnownPod.list(directory, door.withAlias("")));
            }
            return new Host(
                    source,
                    netlink,
                    daemon,
                    problem,
                    lastRun,
                    askedAtNanos,
                    door.list(),
                    new Addresses(netlink).list(),
                    pods);
        } catch (IOException | RuntimeException e) {
            netlink.close();
            throw e;
        }
    }

    /** The daemon's clock now, by which its leases are dated. */
    long clockMillis(DaemonFacts facts) {
        return facts.clockMillis() + (System.nanoTime() - askedAtNanos) / 1_000_000;
    }

    /** What the daemon says; null when none answers. */
    public @Nullable DaemonFacts daemon() {
        return daemon;
    }

    /** What it says by now; null when none answers. */
    @Nullable
    DaemonFacts askDaemonAgain() {
        try {
            return source.ask();
        } catch (IOException e) {
            return null;
        }
    }

    /** What the daemon's probes find of the paths to another node now; none where it does not probe. */
    List<PathFacts> examine(String node) throws IOException {
        return source.examine(node);
    }

    /** Why no daemon answers; empty when one does. */
    public String daemonProblem() {
        return daemonProblem;
    }

    /** The pod network of a family; without a daemon, that of its last run. */
    Optional<Cidr> network(IpFamily family) {
        return daemon != null
                ? daemon.network(family)
                : Optional.ofNullable(lastRun).flatMap(run -> run.networks().get(family));
    }

    /** This node's subnet of a family; without a daemon, that of its last run. */
    Optional<Cidr> subnet(IpFamily family) {
        return daemon != null
                ? daemon.subnet(family)
                : Optional.ofNullable(lastRun).flatMap(run -> run.subnets().get(family));
    }

    /** How findings name this node. */
    public String node() {
        return daemon == null || daemon.node().isEmpty() ? "here" : daemon.node();
    }

    /** Names of this node's pods. */
    public List<String> podNames() {
        return pods.stream().map(KnownPod::name).sorted().toList();
    }

    List<KnownPod> pods() {
        return pods;
    }

    Optional<KnownPod> podWith(IpAddress address) {
        return pods.stream().filter(pod -> pod.addresses().contains(address)).findFirst();
    }

    boolean isOwn(IpAddress address) {
        return addresses.stream().anyMatch(own -> own.cidr().address().equals(address));
    }

    Optional<Link> link(String name) {
        return links.stream().filter(link -> link.name().equals(name)).findFirst();
    }

    Optional<Link> link(int index) {
        return links.stream().filter(link -> link.index() == index).findFirst();
    }

    String nameOf(int index) {
        return link(index).map(Link::name).orElse(index == 0 ? "no interface" : "interface " + index);
    }

    List<Address> addressesOf(Link link) {
        return addresses.stream()
                .filter(address -> address.linkIndex() == link.index())
                .toList();
    }

    Routes routes() {
        return new Routes(netlink);
    }

    NetlinkSocket netlink() {
        return netlink;
    }

    int portState(Link port) throws SyscallException {
        return new Links(netlink).bridgePortState(port.index());
    }

    /** Begins to list the packet filter's rules for a family, beside whatever else is done; once. */
    CompletableFuture<FilterRules> beginToListRules(IpFamily family) {
        return rules.computeIfAbsent(
                family, asked -> Background.begin("rules", () -> FilterRules.read(asked, this::leadsBack)));
    }

    /** The packet filter's rules for a family; to be judged by the thread that uses this. */
    FilterRules rules(IpFamily family) {
        return beginToListRules(family).join();
    }

    private boolean leadsBack(IpAddress from, String in) {
        try {
            return nameOf(routes().resolve(from, null, 0).linkIndex()).equals(in);
        } catch (SyscallException e) {
            return false;
        }
    }

    /** A kernel parameter; empty where it is absent or cannot be read. */
    static String sysctl(String key) {
        try {
            return Sysctl.read(key);
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public void close() {
        netlink.close();
    }
}

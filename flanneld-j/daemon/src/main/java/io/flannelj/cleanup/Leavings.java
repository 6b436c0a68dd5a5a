package io.flannelj.cleanup;

import io.flannelj.backend.ClaimedDevices;
import io.flannelj.config.Instance;
import io.flannelj.firewall.Firewall;
import io.flannelj.firewall.Iptables;
import io.flannelj.firewall.Nftables;
import io.flannelj.firewall.PeerFilter;
import io.flannelj.lease.Lease;
import io.flannelj.lease.SavedLeases;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.SubnetEnv;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds what a daemon left: VXLAN devices of the kernel's that bear our note, with their addresses, neighbours, FDB entries and
 * routes; routes to other nodes' subnets; blackhole routes; rules of both flavours. What files tell of the last life, the
 * subnet file and {@code leases.json}, says which routes are ours. TUN devices go with the process, and bridges, pods'
 * interfaces and address files are the CNI plugin's.
 */
public final class Leavings implements AutoCloseable {
    private final NetlinkSocket netlink;
    private final Links links;
    private final Routes routes;
    private final Instance instance;
    private final Path subnetFile;
    private final Path stateDirectory;
    private final List<Leaving> found = new ArrayList<>();
    private final List<String> leftAlone = new ArrayList<>();

    private Leavings(NetlinkSocket netlink, Instance instance, Path subnetFile, Path stateDirectory) {
        this.netlink = netlink;
        this.links = new Links(netlink);
        this.routes = new Routes(netlink);
        this.instance = instance;
        this.subnetFile = subnetFile;
        this.stateDirectory = stateDirectory;
    }

    /**
     * Looks around in this network namespace, and changes nothing.
     *
     * @param instance of several daemons on this host, which one is gone
     * @param withFiles whether what the daemon wrote down shall go as well
     * @throws IOException when the kernel refuses to tell
     */
    public static Leavings find(Instance instance, Path subnetFile, Path stateDirectory, boolean withFiles)
            throws IOException {
        Leavings leavings = new Leavings(NetlinkSocket.open(), instance, subnetFile, stateDirectory);
        try {
            Set<Integer> devices = leavings.findDevices();
            leavings.findRoutes(devices);
            leavings.findRules();
            if (withFiles) {
                leavings.findFiles();
            }
            return leavings;
        } catch (IOException | RuntimeException e) {
            leavings.close();
            throw e;
        }
    }

    /** In the order in which it is to go. */
    public List<Leaving> found() {
        return List.copyOf(found);
    }

    /** What looks alike and is not known to be ours, a line each. */
    public List<String> leftAlone() {
        return List.copyOf(leftAlone);
    }

    private Set<Integer> findDevices() throws IOException {
        Set<Integer> indices = new HashSet<>();
        for (Link link : new ClaimedDevices(links).list()) {
            indices.add(link.index());
            found.add(new Leaving(
                    "the device " + link.name() + " with its addresses, neighbours and routes",
                    () -> links.delete(link.index())));
        }
        return indices;
    }

    private void findRoutes(Set<Integer> goWithTheirDevice) throws IOException {
        Optional<SubnetEnv> file = SubnetEnv.readIfUsable(subnetFile);
        Optional<SavedLeases> saved = SavedLeases.read(stateDirectory.resolve("leases.json"));
        List<Cidr> networks = file.stream()
                .flatMap(env -> present(env.network(), env.ipv6Network()))
                .toList();
        List<Cidr> own = Stream.concat(
                        file.stream().flatMap(env -> present(env.subnet(), env.ipv6Subnet())),
                        saved.stream()
                                .map(leases -> leases.own().subnets())
                                .flatMap(subnets -> present(subnets.ipv4(), subnets.ipv6())))
                .distinct()
                .toList();
        Set<IpAddress> nodes = new HashSet<>();
        saved.map(SavedLeases::peers).orElse(List.of()).stream()
                .map(Lease::attributes)
                .flatMap(peer ->
                        Stream.of(Optional.ofNullable(peer.publicIpv4()), Optional.ofNullable(peer.publicIpv6())))
                .flatMap(Optional::stream)
                .forEach(nodes::add);
        for (Route route : routes.list()) {
            if (route.isBlackhole()) {
                if (own.contains(route.destination())) {
                    found.add(new Leaving(
                            "the blackhole route " + route.destination(),
                            () -> routes.deleteBlackhole(route.destination())));
                }
            } else if (leadsToANode(route, networks) && !goWithTheirDevice.contains(route.linkIndex())) {
                findRoute(route, nodes);
            }
        }
    }

    private void findRoute(Route route, Set<IpAddress> nodes) throws IOException {
        String device = links.find(route.linkIndex()).map(Link::name).orElse("?");
        String name = "the route " + route.destination() + " via " + route.gateway() + " dev " + device;
        if (nodes.contains(route.gateway())) {
            found.add(new Leaving(name, () -> routes.deleteIfPresent(route)));
        } else {
            leftAlone.add(name + ": not written down as ours; if nothing needs it: ip route delete "
                    + route.destination() + " via " + route.gateway() + " dev " + device);
        }
    }

    private static boolean leadsToANode(Route route, List<Cidr> networks) {
        return route.gateway() != null
                && networks.stream()
                        .anyMatch(network ->
                                network.contains(route.destination()) && !network.equals(route.destination()));
    }

    private void findRules() {
        PeerFilter peers = new PeerFilter(instance);
        if (PeerFilter.isAvailable()) {
            findRules(peers::present, peers::remove);
        }
        for (Firewall firewall : List.of(
                new Iptables(false, instance),
                new Iptables(true, instance),
                new Nftables(false, instance),
                new Nftables(true, instance))) {
            findRules(firewall::present, firewall::remove);
        }
    }

    private interface Listing {
        List<String> list() throws IOException;
    }

    private void findRules(Listing listing, Leaving.Removal removal) {
        try {
            List<String> rules = listing.list();
            if (!rules.isEmpty()) {
                found.add(new Leaving(String.join("; ", rules), removal));
            }
        } catch (IOException e) {
            leftAlone.add("rules could not be looked for: " + e.getMessage());
        }
    }

    /** Only what the daemon writes; whatever else is in the directory keeps it. */
    private void findFiles() throws IOException {
        if (Files.exists(subnetFile)) {
            found.add(new Leaving("the file " + subnetFile, () -> Files.deleteIfExists(subnetFile)));
        }
        if (!Files.isDirectory(stateDirectory)) {
            return;
        }
        try (DirectoryStream<Path> files =
                Files.newDirectoryStream(stateDirectory, "{leases.json,tunnels.json,vtep-mac*,geneve-mac*}")) {
            for (Path file : files) {
                found.add(new Leaving("the file " + file, () -> Files.deleteIfExists(file)));
            }
        }
    }

    private static Stream<Cidr> present(@Nullable Cidr... families) {
        return Stream.of(families).flatMap(Stream::ofNullable);
    }

    @Override
    public void close() {
        netlink.close();
    }
}

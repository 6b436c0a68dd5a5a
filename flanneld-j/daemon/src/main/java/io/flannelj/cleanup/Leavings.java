package io.flannelj.cleanup;

import io.flannelj.cni.shim.Shim;
import io.flannelj.config.Instance;
import io.flannelj.config.PathOptions;
import io.flannelj.firewall.Firewall;
import io.flannelj.firewall.Iptables;
import io.flannelj.firewall.Nftables;
import io.flannelj.firewall.PeerFilter;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a stopped daemon left: the {@link HostInventory}, whose networks the subnet file tells; rules of both flavours; files. Bridges,
 * pods' interfaces and address files are the CNI plugin's.
 */
public final class Leavings implements AutoCloseable {
    private final NetlinkSocket netlink;
    private final PathOptions paths;
    private final List<Leaving> found = new ArrayList<>();
    private final List<String> leftAlone = new ArrayList<>();

    private Leavings(NetlinkSocket netlink, PathOptions paths) {
        this.netlink = netlink;
        this.paths = paths;
    }

    /**
     * Looks around in this network namespace, and changes nothing.
     *
     * @param paths of the daemon that is gone
     * @param controlSocket where it was reached
     * @param withFiles whether its files shall go as well
     * @throws IOException when the kernel refuses to tell
     */
    public static Leavings find(PathOptions paths, Path controlSocket, boolean withFiles) throws IOException {
        Leavings leavings = new Leavings(NetlinkSocket.open(), paths);
        try {
            leavings.findDevicesAndRoutes();
            leavings.findRules();
            if (withFiles) {
                leavings.findFiles(controlSocket);
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

    /** Routes between nodes that others made stay, and are named. */
    private void findDevicesAndRoutes() throws IOException {
        List<Cidr> networks = HostInventory.networks(paths.subnetFile());
        HostInventory ours = HostInventory.find(netlink, paths.instance(), networks);
        found.addAll(ours.leavings(netlink));
        new Routes(netlink)
                .list().stream()
                        .filter(route -> route.gateway() != null && !HostInventory.isOurs(route, networks))
                        .filter(route -> HostInventory.isWithin(networks, route.destination()))
                        .map(ours::describe)
                        .forEach(route -> leftAlone.add(route + ": not marked as ours; if nothing needs it: "
                                + route.replaceFirst("the route", "ip route delete")));
    }

    private void findRules() {
        Instance instance = paths.instance();
        PeerFilter peers = new PeerFilter(instance);
        if (PeerFilter.isAvailable()) {
            findRules(peers::present, peers::remove);
        }
        for (IpFamily family : IpFamily.values()) {
            for (Firewall firewall : List.of(new Iptables(family, instance), new Nftables(family, instance))) {
                findRules(firewall::present, firewall::remove);
            }
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
    private void findFiles(Path controlSocket) throws IOException {
        Stream.of(paths.subnetFile(), controlSocket, Path.of(Shim.cniSocket(controlSocket.toString())))
                .filter(Files::exists)
                .forEach(this::findFile);
        if (Files.isDirectory(paths.stateDirectory())) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(
                    paths.stateDirectory(),
                    "{leases.json,tunnels.json,events.jsonl,events.former.jsonl,vtep-mac,geneve-mac}*")) {
                files.forEach(this::findFile);
            }
        }
    }

    private void findFile(Path file) {
        found.add(new Leaving("the file " + file, () -> Files.deleteIfExists(file)));
    }

    @Override
    public void close() {
        netlink.close();
    }
}

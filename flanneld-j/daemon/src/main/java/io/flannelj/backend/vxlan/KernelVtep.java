package io.flannelj.backend.vxlan;

import io.flannelj.backend.BestEffort;
import io.flannelj.backend.ExclusiveAddress;
import io.flannelj.backend.KernelPath;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.Uplink;
import io.flannelj.lease.Lease;
import io.flannelj.linux.Sysctl;
import io.flannelj.net.Cidr;
import io.flannelj.net.MacAddress;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.TunnelSenders;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Fdb;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.Neighbor;
import io.flannelj.netlink.Neighbors;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.TunnelDevices;
import io.flannelj.netlink.VxlanLink;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel's VXLAN device for one address family, and what it must know of each peer, as flannel sets it up: a permanent
 * neighbour (the peer's network address is at its VTEP's MAC), an FDB entry (that MAC is at the peer's underlay address),
 * and a route through the neighbour. For peers reached directly there is a plain route instead, if so configured.
 *
 * <p>Each {@link #apply} asks the kernel what is there and puts right what differs, the device itself included.
 */
final class KernelVtep {
    private static final Logger log = LoggerFactory.getLogger(KernelVtep.class);

    private final Links links;
    private final TunnelDevices devices;
    private final Addresses addresses;
    private final Neighbors neighbors;
    private final Fdb fdb;
    private final PeerRoutes routes;
    private final Spec spec;
    private List<KernelPath> paths = List.of();

    /**
     * What is wanted.
     *
     * @param link the device
     * @param address its only address of this family: the first of our subnet
     * @param network the pod network of this family
     * @param directRouting whether peers reached without a router get plain routes
     * @param uplink where those go
     */
    record Spec(VxlanLink link, Cidr address, Cidr network, boolean directRouting, Uplink uplink) {}

    KernelVtep(NetlinkSocket netlink, PeerRoutes routes, Spec spec) {
        this.links = new Links(netlink);
        this.devices = new TunnelDevices(netlink);
        this.addresses = new Addresses(netlink);
        this.neighbors = new Neighbors(netlink);
        this.fdb = new Fdb(netlink);
        this.routes = routes;
        this.spec = spec;
    }

    TunnelEndpoint endpoint() {
        return TunnelEndpoint.udp(spec.link().port());
    }

    String name() {
        return spec.link().name();
    }

    /** Whether the device is up, as after a stop that left it in force: then it takes packets already. */
    boolean isUp() throws IOException {
        return links.require(name()).isUp();
    }

    /**
     * Makes the device what it shall be: reused when what cannot be changed agrees, else made anew. A new one is down, and
     * takes no packets until the first {@link #apply}: by then the rules against forged ones are in force.
     *
     * @return its index
     */
    int reconcileDevice() throws IOException {
        VxlanLink wanted = spec.link();
        Optional<Link> present = links.find(wanted.name());
        if (present.isPresent()) {
            String why = whyUnusable(present.get());
            if (!why.isEmpty()) {
                log.warn("making {} anew: {}", wanted.name(), why);
                links.delete(present.get().index());
                present = Optional.empty();
            }
        }
        int index = present.isPresent() ? present.get().index() : devices.addVxlan(wanted);
        noRouterAdvertisements();
        if (present.isPresent() && present.get().mtuBytes() != wanted.mtuBytes()) {
            links.setMtu(index, wanted.mtuBytes());
        }
        ExclusiveAddress.put(addresses, index, spec.address());
        if (!mac().equals(links.require(wanted.name()).mac())) {
            links.setMac(index, mac()); // a device manager may have given a new device an address of its own
        }
        return index;
    }

    private String whyUnusable(Link present) throws IOException {
        if (present.kind().equals("tun")) {
            throw new IOException("a TUN device has the name " + present.name()
                    + ": another tunnel of this network runs here; stop it first");
        }
        VxlanLink is = devices.findVxlan(present.name()).orElse(null);
        return is == null ? "it is not a VXLAN device" : difference(is, spec.link());
    }

    /** What of a device cannot be changed while it lives and differs; empty when it can be used as it is. */
    static String difference(VxlanLink is, VxlanLink wanted) {
        if (is.vni() != wanted.vni()) {
            return "its VNI is " + is.vni() + ", not " + wanted.vni();
        }
        if (is.lowerIndex() > 0 && wanted.lowerIndex() > 0 && is.lowerIndex() != wanted.lowerIndex()) {
            return "it is on another interface";
        }
        if (is.local() != null && wanted.local() != null && !is.local().equals(wanted.local())) {
            return "its address is " + is.local() + ", not " + wanted.local();
        }
        if (is.port() > 0 && is.port() != wanted.port()) {
            return "its port is " + is.port() + ", not " + wanted.port();
        }
        if (is.gbp() != wanted.gbp()) {
            return "GBP is " + (is.gbp() ? "on" : "off");
        }
        if (is.learning() != wanted.learning()) {
            return "learning is " + (is.learning() ? "on" : "off");
        }
        return is.foreign() ? "it has a group or a fixed remote" : "";
    }

    /** In a container that is not privileged /proc/sys is read-only; what is only tidy is no reason to fail. */
    private void noRouterAdvertisements() {
        String key = "net/ipv6/conf/" + name() + "/accept_ra";
        if (Sysctl.exists(key)) {
            try {
                Sysctl.write(key, "0");
            } catch (IOException e) {
                return;
            }
        }
    }

    /** The peers of this family among all leases, of which the oldest comes first. */
    VtepPeers peers(Collection<Lease> leases) {
        List<VtepPeer> candidates = leases.stream()
                .flatMap(lease -> VtepPeer.of(lease, spec.address().family()).stream())
                .filter(peer -> routes.cover(peer.subnet()))
                .toList();
        return VtepPeers.among(candidates, mac(), spec.address().address());
    }

    private MacAddress mac() {
        return Objects.requireNonNull(spec.link().mac(), "a VTEP's MAC is chosen before its device");
    }

    /** A peer's pods, and the node itself, come by its VTEP; those that are routed to directly may, too. */
    Stream<PeerSource> sources(Collection<VtepPeer> peers) {
        return peers.stream()
                .flatMap(peer -> Stream.of(peer.subnet(), Cidr.host(peer.underlay()))
                        .map(addresses -> new PeerSource(name(), peer.mac(), addresses)));
    }

    /** The peers, by the addresses that they send from. */
    TunnelSenders senders(Collection<VtepPeer> peers) {
        return new TunnelSenders(
                endpoint(),
                spec.link().vni(),
                peers.stream()
                        .map(peer -> new TunnelSenders.Sender(peer.underlay(), peer.mac()))
                        .toList());
    }

    /** Puts the device and everything about the peers in order. Returns the routes it wants; the caller applies them. */
    List<Route> apply(Collection<VtepPeer> peers, BestEffort attempts) throws IOException {
        int index = reconcileDevice();
        links.setUp(index);
        List<Route> wanted = new ArrayList<>();
        Map<Cidr, VtepPeer> tunnelled = new HashMap<>();
        for (VtepPeer peer : peers) {
            Optional<Route> direct =
                    spec.directRouting() ? routes.direct(peer.subnet(), peer.underlay()) : Optional.empty();
            if (direct.isPresent()) {
                wanted.add(direct.get());
            } else {
                tunnelled.put(peer.subnet(), peer);
                wanted.add(
                        Route.via(peer.subnet(), peer.subnet().address(), index).withOnLink());
            }
        }
        paths = Stream.concat(
                        tunnelled.values().stream()
                                .map(peer -> new KernelPath(
                                        KernelPath.Kind.TUNNEL,
                                        name(),
                                        peer.subnet(),
                                        peer.underlay(),
                                        spec.link().mtuBytes())),
                        KernelPath.among(wanted, spec.uplink()).stream())
                .toList();
        reconcileNeighbors(index, tunnelled.values(), attempts);
        reconcileFdb(index, tunnelled.values(), attempts);
        return wanted;
    }

    private void reconcileNeighbors(int index, Collection<VtepPeer> peers, BestEffort attempts) throws IOException {
        Map<Object, VtepPeer> missing = new HashMap<>();
        peers.forEach(peer -> missing.put(peer.subnet().address(), peer));
        for (Neighbor present : neighbors.list(index)) {
            if (!present.isPermanent()
                    || present.address() == null
                    || present.address().isMulticast()) {
                continue;
            }
            VtepPeer peer = missing.get(present.address());
            if (peer == null) {
                attempts.run(() -> neighbors.delete(index, Objects.requireNonNull(present.address())));
            } else if (peer.mac().equals(present.mac())) {
                missing.remove(present.address());
            }
        }
        missing.values()
                .forEach(peer -> attempts.run(
                        () -> neighbors.replace(index, peer.subnet().address(), peer.mac())));
    }

    private void reconcileFdb(int index, Collection<VtepPeer> peers, BestEffort attempts) throws IOException {
        Map<Object, VtepPeer> missing = new HashMap<>();
        peers.forEach(peer -> missing.put(peer.mac(), peer));
        for (Neighbor present : fdb.list(index)) {
            if (!present.isPermanent() || present.address() == null || present.mac() == null) {
                continue;
            }
            VtepPeer peer = missing.get(present.mac());
            if (peer == null) {
                attempts.run(() -> fdb.delete(
                        index, Objects.requireNonNull(present.mac()), Objects.requireNonNull(present.address())));
            } else if (peer.underlay().equals(present.address())) {
                missing.remove(present.mac());
            }
        }
        missing.values().forEach(peer -> attempts.run(() -> fdb.replace(index, peer.mac(), peer.underlay())));
    }

    /** The ways to the peers of the last {@link #apply}. */
    List<KernelPath> paths() {
        return paths;
    }

    /** Routes through the device are ours, and so are those through the uplink, which may have been direct ones. */
    Set<Integer> routedLinks() throws IOException {
        Optional<Link> present = links.find(name());
        return present.isPresent()
                ? Set.of(present.get().index(), spec.uplink().index())
                : Set.of(spec.uplink().index());
    }

    /** Takes the device away, and with it all that refers to it. */
    void remove() throws IOException {
        Optional<Link> present = links.find(name());
        if (present.isPresent() && present.get().kind().equals("vxlan")) {
            links.delete(present.get().index());
        }
    }
}

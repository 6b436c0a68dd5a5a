package io.flannelj.backend.ipip;

import io.flannelj.backend.Backend;
import io.flannelj.backend.ExclusiveAddress;
import io.flannelj.backend.KernelPath;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.Unreachable;
import io.flannelj.backend.Uplink;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.TunnelSenders;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.LinkWatch;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.TunnelDevices;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * IP in IP carried by the kernel's tunnel device, as flannel sets it up: its route to a peer's subnet names the peer's
 * underlay address as gateway, which becomes the outer destination. What is not as it should be is put right by the next
 * {@link #apply}; a device that another process deletes is noticed at once.
 *
 * <p>The kernel goes on forwarding when this process ends; the next start takes the device over.
 */
final class KernelIpip implements Backend {
    private static final Logger log = LoggerFactory.getLogger(KernelIpip.class);
    /** {@code Backend.Type} in leases. */
    static final String TYPE = "ipip";

    /** The kernel's kind of device. */
    static final String KIND = "ipip";

    private final NetlinkSocket netlink;
    private final Links links;
    private final TunnelDevices devices;
    private final Addresses addresses;
    private final PeerRoutes routes;
    private final Spec spec;
    private final LinkWatch watch;
    private List<PeerSource> sources = List.of();
    private List<TunnelSenders> senders;
    private List<KernelPath> paths = List.of();
    private volatile Map<PodSubnets, String> unreachable = Map.of();

    /**
     * What is wanted.
     *
     * @param local underlay address that is sent from
     * @param address of the device: the first of our subnet
     * @param directRouting whether peers reached without a router get plain routes
     * @param uplink where those go
     */
    record Spec(String device, IpAddress local, Cidr address, int mtuBytes, boolean directRouting, Uplink uplink) {}

    private KernelIpip(NetlinkSocket netlink, PeerRoutes routes, Spec spec, Consumer<String> onLost)
            throws IOException {
        this.netlink = netlink;
        this.links = new Links(netlink);
        this.devices = new TunnelDevices(netlink);
        this.addresses = new Addresses(netlink);
        this.routes = routes;
        this.spec = spec;
        int index = reconcileDevice();
        // One that is new is down, and takes nobody's packets until the peers are known, and the rules are in force.
        this.senders = links.require(spec.device()).isUp() ? List.of() : List.of(senders(List.of()));
        this.watch =
                LinkWatch.start(index, () -> onLost.accept("the IP in IP device " + spec.device() + " was deleted"));
    }

    /** Makes or takes over the device. What was made before a failure is undone. */
    static KernelIpip start(NetlinkSocket netlink, PeerRoutes routes, Spec spec, Consumer<String> onLost)
            throws IOException {
        boolean wasThere = new Links(netlink).find(spec.device()).isPresent();
        try {
            KernelIpip started = new KernelIpip(netlink, routes, spec, onLost);
            log.info("the kernel carries IP in IP on {}: MTU {}", spec.device(), spec.mtuBytes());
            return started;
        } catch (IOException | RuntimeException e) {
            try (netlink) {
                Optional<Link> made = new Links(netlink).find(spec.device());
                if (!wasThere && made.isPresent()) {
                    new Links(netlink).delete(made.get().index());
                }
            }
            throw e;
        }
    }

    private int reconcileDevice() throws IOException {
        Optional<Link> present = links.find(spec.device());
        if (present.isPresent() && !devices.isIpip(spec.device(), spec.local())) {
            if (!present.get().kind().equals(KIND)) {
                throw new IOException("the device " + spec.device() + " is of the kind \""
                        + present.get().kind() + "\" and of another program: delete it first (ip link delete "
                        + spec.device() + ")");
            }
            log.warn("making {} anew: it does not send from {} to wherever a route says", spec.device(), spec.local());
            links.delete(present.get().index());
            present = Optional.empty();
        }
        int index = present.isPresent()
                ? present.get().index()
                : devices.addIpip(spec.device(), spec.local(), spec.mtuBytes());
        if (present.isPresent() && present.get().mtuBytes() != spec.mtuBytes()) {
            links.setMtu(index, spec.mtuBytes());
        }
        ExclusiveAddress.put(addresses, index, spec.address());
        return index;
    }

    @Override
    public List<String> deviceNames() {
        return List.of(spec.device());
    }

    @Override
    public List<TunnelEndpoint> endpoints() {
        return List.of(TunnelEndpoint.ipInIp());
    }

    @Override
    public List<PeerSource> uncheckedSources() {
        return sources;
    }

    @Override
    public List<TunnelSenders> uncheckedTunnels() {
        return senders;
    }

    @Override
    public int podMtuBytes() {
        return spec.mtuBytes();
    }

    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        int index = reconcileDevice();
        links.setUp(index);
        List<Route> wanted = new ArrayList<>();
        List<PeerSource> known = new ArrayList<>();
        List<KernelPath> tunnelled = new ArrayList<>();
        List<TunnelSenders.Sender> nodes = new ArrayList<>();
        for (Lease lease : peers) {
            Lease.Side side = lease.side(IpFamily.IPV4).orElse(null);
            if (isIpip(lease) && side != null) {
                Cidr subnet = side.subnet();
                IpAddress node = side.node();
                Optional<Route> direct = spec.directRouting() ? routes.direct(subnet, node) : Optional.empty();
                nodes.add(new TunnelSenders.Sender(node, null));
                known.add(new PeerSource(spec.device(), null, subnet));
                known.add(new PeerSource(spec.device(), null, Cidr.host(node)));
                wanted.add(direct.orElseGet(() -> {
                    tunnelled.add(new KernelPath(KernelPath.Kind.TUNNEL, spec.device(), subnet, node, spec.mtuBytes()));
                    return Route.via(subnet, node, index).withOnLink();
                }));
            }
        }
        sources = List.copyOf(known);
        tunnelled.addAll(KernelPath.among(wanted, spec.uplink()));
        paths = List.copyOf(tunnelled);
        senders = List.of(senders(nodes));
        unreachable = Unreachable.among(peers, KIND, KernelIpip::isIpip);
        routes.reconcile(wanted, Set.of(index, spec.uplink().index()));
    }

    private static TunnelSenders senders(List<TunnelSenders.Sender> nodes) {
        return new TunnelSenders(TunnelEndpoint.ipInIp(), 0, nodes);
    }

    @Override
    public List<KernelPath> kernelPaths() {
        return paths;
    }

    @Override
    public Map<PodSubnets, String> unreachable() {
        return unreachable;
    }

    @Override
    public void close() {
        watch.close();
        netlink.close();
    }

    static boolean isIpip(Lease lease) {
        return lease.attributes().backendType().equals(TYPE);
    }
}

package io.flannelj.backend.vxlan;

import io.flannelj.backend.Backend;
import io.flannelj.backend.BestEffort;
import io.flannelj.backend.KernelPath;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.Unreachable;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.TunnelSenders;
import io.flannelj.netlink.LinkWatch;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * VXLAN carried by the kernel: one device for each family of the network. A device that another process deletes is noticed at
 * once and made anew with all its peers; anything smaller is put right by the next {@link #apply}.
 *
 * <p>The kernel goes on forwarding when this process ends; the next start takes the devices
 * over as they are.
 */
final class KernelVxlan implements Backend {
    private static final Logger log = LoggerFactory.getLogger(KernelVxlan.class);

    private final NetlinkSocket netlink;
    private final PeerRoutes routes;
    private final List<KernelVtep> vteps;
    private final List<LinkWatch> watches;
    private final int podMtuBytes;
    private List<PeerSource> sources = List.of();
    private List<TunnelSenders> senders;
    private volatile Map<PodSubnets, String> unreachable = Map.of();

    private KernelVxlan(
            NetlinkSocket netlink,
            PeerRoutes routes,
            List<KernelVtep> vteps,
            List<LinkWatch> watches,
            List<TunnelSenders> senders,
            int podMtuBytes) {
        this.netlink = netlink;
        this.routes = routes;
        this.vteps = List.copyOf(vteps);
        this.watches = List.copyOf(watches);
        this.senders = List.copyOf(senders);
        this.podMtuBytes = podMtuBytes;
    }

    /** Makes or takes over the devices. What was made before a failure is undone. */
    static KernelVxlan start(
            NetlinkSocket netlink, PeerRoutes routes, List<KernelVtep.Spec> specs, Consumer<String> onLost)
            throws IOException {
        List<KernelVtep> vteps = new ArrayList<>();
        List<LinkWatch> watches = new ArrayList<>();
        List<TunnelSenders> senders = new ArrayList<>();
        try {
            for (KernelVtep.Spec spec : specs) {
                KernelVtep vtep = new KernelVtep(netlink, routes, spec);
                int index = vtep.reconcileDevice();
                vteps.add(vtep);
                if (!vtep.isUp()) {
                    senders.add(vtep.senders(List.of())); // nobody's packets, until the peers are known
                }
                watches.add(LinkWatch.start(
                        index, () -> onLost.accept("the VXLAN device " + vtep.name() + " was deleted")));
                log.info(
                        "the kernel carries {} on {}: MTU {}, VTEP {}",
                        spec.network(),
                        vtep.name(),
                        spec.link().mtuBytes(),
                        spec.link().mac());
            }
        } catch (IOException | RuntimeException e) {
            watches.forEach(LinkWatch::close);
            remove(vteps);
            netlink.close();
            throw e;
        }
        int mtu = specs.stream().mapToInt(spec -> spec.link().mtuBytes()).min().orElseThrow();
        return new KernelVxlan(netlink, routes, vteps, watches, senders, mtu);
    }

    @Override
    public List<String> deviceNames() {
        return vteps.stream().map(KernelVtep::name).toList();
    }

    @Override
    public List<TunnelEndpoint> endpoints() {
        return vteps.stream().map(KernelVtep::endpoint).distinct().toList();
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
        return podMtuBytes;
    }

    @Override
    public void apply(Collection<Lease> leases) throws IOException {
        Map<KernelVtep, VtepPeers> peers = new LinkedHashMap<>();
        vteps.forEach(vtep -> peers.put(vtep, vtep.peers(leases)));
        unreachable = unreachableAmong(leases, peers.values());
        sources = peers.entrySet().stream()
                .flatMap(entry -> entry.getKey().sources(entry.getValue().used()))
                .toList();
        senders = peers.entrySet().stream()
                .map(entry -> entry.getKey().senders(entry.getValue().used()))
                .toList();
        BestEffort attempts = new BestEffort();
        List<Route> wanted = new ArrayList<>();
        Set<Integer> links = new HashSet<>();
        for (Map.Entry<KernelVtep, VtepPeers> entry : peers.entrySet()) {
            wanted.addAll(entry.getKey().apply(entry.getValue().used(), attempts));
            links.addAll(entry.getKey().routedLinks());
        }
        attempts.run(() -> routes.reconcile(wanted, links));
        attempts.throwIfAny();
    }

    private static Map<PodSubnets, String> unreachableAmong(Collection<Lease> leases, Collection<VtepPeers> peers) {
        Map<Cidr, String> reasons = new HashMap<>();
        Set<Cidr> reached = new HashSet<>();
        for (VtepPeers ofDevice : peers) {
            ofDevice.used().forEach(peer -> reached.add(peer.subnet()));
            ofDevice.refused()
                    .forEach(
                            peer -> reasons.put(
                                    peer.subnet(),
                                    "its VTEP MAC " + peer.mac()
                                            + " is this node's, or that of an older lease with another address, and the kernel sends to one"
                                            + " node for each MAC; delete the lease that is wrong, or give that node another MAC"));
        }
        Map<PodSubnets, String> all = new HashMap<>(Unreachable.among(
                leases,
                VxlanLeaseData.TYPE,
                lease -> lease.subnets().all().stream().anyMatch(reached::contains)));
        leases.forEach(lease -> lease.subnets().all().stream()
                .map(reasons::get)
                .filter(Objects::nonNull)
                .findFirst()
                .ifPresent(reason -> all.put(lease.subnets(), reason)));
        return Map.copyOf(all);
    }

    @Override
    public List<KernelPath> kernelPaths() {
        return vteps.stream().flatMap(vtep -> vtep.paths().stream()).toList();
    }

    @Override
    public Map<PodSubnets, String> unreachable() {
        return unreachable;
    }

    @Override
    public void close() {
        watches.forEach(LinkWatch::close);
        netlink.close();
    }

    private static void remove(List<KernelVtep> vteps) {
        for (KernelVtep vtep : vteps) {
            try {
                vtep.remove();
            } catch (IOException e) {
                log.warn("{} could not be removed: {}", vtep.name(), e.getMessage());
            }
        }
    }
}

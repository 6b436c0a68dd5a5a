package io.flannelj.backend.vxlan;

import io.flannelj.backend.Attempts;
import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.Unreachable;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.PeerSource;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.net.TunnelSenders;
import io.flannelj.netlink.LinkWatch;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * VXLAN carried by the kernel: one device for each family of the network. A device that somebody deletes is noticed at
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
    private List<TunnelSenders> senders = List.of();
    private volatile Map<PodSubnets, String> unreachable = Map.of();

    private KernelVxlan(
            NetlinkSocket netlink,
            PeerRoutes routes,
            List<KernelVtep> vteps,
            List<LinkWatch> watches,
            int podMtuBytes) {
        this.netlink = netlink;
        this.routes = routes;
        this.vteps = List.copyOf(vteps);
        this.watches = List.copyOf(watches);
        this.podMtuBytes = podMtuBytes;
    }

    /** Makes or takes over the devices. What was made before a failure is undone. */
    static KernelVxlan start(
            NetlinkSocket netlink, PeerRoutes routes, List<KernelVtep.Spec> specs, Consumer<String> onLost)
            throws IOException {
        List<KernelVtep> vteps = new ArrayList<>();
        List<LinkWatch> watches = new ArrayList<>();
        try {
            for (KernelVtep.Spec spec : specs) {
                KernelVtep vtep = new KernelVtep(netlink, routes, spec);
                int index = vtep.putDeviceInOrder();
                vteps.add(vtep);
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
        return new KernelVxlan(netlink, routes, vteps, watches, mtu);
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
    public void apply(Collection<Lease> peers) throws IOException {
        unreachable = Unreachable.among(
                peers,
                VxlanLeaseData.TYPE,
                lease -> vteps.stream()
                        .anyMatch(vtep -> !vtep.peers(List.of(lease)).isEmpty()));
        Attempts attempts = new Attempts();
        List<Route> wanted = new ArrayList<>();
        Set<Integer> links = new HashSet<>();
        sources =
                vteps.stream().flatMap(vtep -> vtep.sources(vtep.peers(peers))).toList();
        senders = vteps.stream().map(vtep -> vtep.senders(vtep.peers(peers))).toList();
        for (KernelVtep vtep : vteps) {
            wanted.addAll(vtep.apply(vtep.peers(peers), attempts));
            links.addAll(vtep.routedLinks());
        }
        attempts.run(() -> routes.reconcile(wanted, links));
        attempts.throwIfAny();
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

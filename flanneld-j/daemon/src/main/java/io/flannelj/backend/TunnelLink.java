package io.flannelj.backend;

import io.flannelj.config.TunnelSettings;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TunnelEnd;
import io.flannelj.datapath.TunnelSegmentation;
import io.flannelj.device.Processors;
import io.flannelj.device.TunDevice;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.gso.TunnelGso;
import io.flannelj.lease.PodSubnets;
import io.flannelj.linux.Errno;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.UdpFeature;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One address family of a {@link Tunnel}: a TUN device with the node's tunnel address, a UDP socket, and the data path between
 * them. All state about peers is in the data path's table; the kernel holds nothing per peer but routes into the device.
 */
final class TunnelLink implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(TunnelLink.class);

    private final Datapath datapath;
    private final NetlinkSocket netlink;
    private final TunDevice tun;
    private final IpAddress address;
    private final TunnelSpec.Link spec;
    private final TunnelEnd end;
    private final TunnelSpec tunnel;
    private final Uncut uncut;
    private final PodDestinations allowed;
    private Set<Cidr> carried = Set.of();

    private TunnelLink(
            Datapath datapath,
            NetlinkSocket netlink,
            TunDevice tun,
            TunnelEnd end,
            TunnelSpec.Link spec,
            TunnelSpec tunnel,
            Uncut uncut) {
        this.datapath = datapath;
        this.netlink = netlink;
        this.tun = tun;
        this.address = end.address();
        this.spec = spec;
        this.end = end;
        this.tunnel = tunnel;
        this.uncut = uncut;
        this.allowed = new PodDestinations(List.of(spec.network()), List.of(end.subnet()));
    }

    /**
     * Opens device and sockets, with nothing routed into the device yet. What was made before a failure is undone.
     *
     * @param own this node's subnets
     * @param onLost told when another process deleted the TUN device
     * @throws IOException names the device, address or port that was refused, and the remedy
     */
    static TunnelLink open(TunnelSpec tunnel, TunnelSpec.Link spec, PodSubnets own, Consumer<String> onLost)
            throws IOException {
        TunnelSettings settings = tunnel.settings();
        Cidr subnet = own.byFamily().require(spec.family());
        IpAddress address = subnet.address();
        List<UnderlaySocket> sockets = new ArrayList<>();
        TunDevice tun = null;
        NetlinkSocket netlink = null;
        Uncut uncut = new Uncut(null, "");
        try {
            for (int i = 0; i < settings.workers(); i++) {
                sockets.add(spec.opening().open(settings.workers() > 1, spec.dontFragment()));
            }
            tun = TunDevice.open(settings.tunPath(), spec.deviceName(), settings.workers());
            netlink = NetlinkSocket.open();
            tun.configure(netlink, Cidr.host(address), spec.mtuBytes());
            TunnelEnd end = new TunnelEnd(
                    spec.encapsulator(),
                    subnet,
                    address,
                    spec.mtuBytes(),
                    tun.features(),
                    settings.busyPoll(),
                    settings.thinAcks());
            String name = tun.name();
            List<Datapath.Queue> queues = new ArrayList<>();
            for (int i = 0; i < settings.workers(); i++) {
                queues.add(new Datapath.Queue(tun.queues().get(i), sockets.get(i)));
            }
            uncut = uncut(tunnel, spec);
            Datapath datapath = new Datapath(
                    queues,
                    end,
                    queue -> pin(settings, queue),
                    peer -> log.warn(
                            "the kernel refuses UDP segmentation towards {}; sending each datagram by itself, and trying"
                                    + " again each minute",
                            peer.underlayAddress()),
                    uncut.way(),
                    errno -> onLost.accept("the TUN device " + name
                            + (errno == Errno.EBADFD
                                    ? " was deleted"
                                    : " cannot be read any more: " + Errno.text(errno))));
            datapath.dontFragment(spec.dontFragment());
            log.info(
                    "carrying {} on {}: {} offload, MTU {}, by {}; large packets: {}",
                    spec.network(),
                    name,
                    tun.features().udpSegmentation()
                            ? "TCP and UDP"
                            : tun.features().tcpSegmentation() ? "TCP" : "no",
                    spec.mtuBytes(),
                    spec.endpoint() + " of " + spec.local(),
                    uncut.text());
            return new TunnelLink(datapath, netlink, tun, end, spec, tunnel, uncut);
        } catch (IOException | RuntimeException e) {
            uncut.close();
            if (netlink != null) {
                netlink.close();
            }
            if (tun != null) {
                tun.close();
            }
            sockets.forEach(UnderlaySocket::close);
            throw e;
        }
    }

    private static Uncut uncut(TunnelSpec tunnel, TunnelSpec.Link spec) {
        if (!spec.endpoint().isUdp()) {
            return new Uncut(null, "it is no tunnel in UDP");
        }
        if (!tunnel.segmentsTunnels()) {
            return new Uncut(null, "switched off");
        }
        try {
            TunnelGso gso = TunnelGso.open(
                    tunnel.settings().tunPath(),
                    tunnel.uplink().index(),
                    spec.local(),
                    spec.endpoint().port());
            return new Uncut(gso, "");
        } catch (IOException e) {
            return new Uncut(null, String.valueOf(e.getMessage()));
        }
    }

    /**
     * The way out of super-packets that need not be cut here.
     *
     * @param gso null where there is none
     * @param why there is none; else empty
     */
    private record Uncut(@Nullable TunnelGso gso, String why) {
        String text() {
            String problem = gso == null ? why : gso.problem();
            return gso != null && problem.isEmpty() ? "uncut by " + gso.deviceName() : "cut here: " + problem;
        }

        @Nullable
        TunnelSegmentation way() {
            return gso == null ? null : gso.way();
        }

        void follow(Datapath datapath) {
            if (gso != null) {
                gso.follow(datapath);
            }
        }

        void close() {
            if (gso != null) {
                gso.close();
            }
        }
    }

    private static void pin(TunnelSettings settings, int queue) {
        int processor = Processors.of(queue);
        if (settings.pinWorkers() && !Processors.tryKeepOn(processor)) {
            log.warn("worker {} cannot be kept on processor {}; it runs where the kernel puts it", queue, processor);
        }
    }

    TunnelSpec.Link spec() {
        return spec;
    }

    /** How super-packets leave, human-readable. Any thread. */
    String superPackets() {
        return tun.name() + ": " + uncut.text();
    }

    String deviceName() {
        return tun.name();
    }

    Datapath datapath() {
        return datapath;
    }

    /** For those who test its paths. */
    TestedPath testedPath(Set<Cidr> direct) {
        return new TestedPath(tun.name(), datapath, end, spec, direct);
    }

    /** Takes the peers: whom to send to, and whom to take packets from. Packets that come later meet them. */
    void know(Collection<Peer> peers) {
        if (!tunnel.uses(UdpFeature.SEGMENTATION)) {
            peers.forEach(Peer::segmentSeparately);
        }
        if (!tunnel.uses(UdpFeature.CHECKSUM) && spec.canLeaveChecksumsOut()) {
            peers.forEach(Peer::leaveChecksumsOut);
        }
        datapath.route(
                peers.stream().filter(peer -> allowed.cover(peer.subnet())).toList());
        uncut.follow(datapath);
    }

    /**
     * Puts address, MTU, state and routes of the device in order, whatever another process made of them.
     *
     * @param destinations what is routed into the device: the whole network, or subnets of peers while another tunnel has
     *     that. A route to the whole network is not taken back: the tunnel that gets it takes it over.
     */
    void carry(Set<Cidr> destinations) throws IOException {
        long now = System.nanoTime();
        datapath.peers().forEach(peer -> peer.tryRunsAgain(now));
        int index = tun.configure(netlink, Cidr.host(address), spec.mtuBytes());
        Routes routes = new Routes(netlink);
        for (Cidr destination : destinations) {
            if (!destination.equals(spec.network())) {
                allowed.require(destination);
            }
            routes.replace(Route.toLink(destination, index));
        }
        for (Cidr earlier : carried) {
            if (!destinations.contains(earlier) && !earlier.equals(spec.network())) {
                routes.deleteIfPresent(Route.toLink(earlier, index));
            }
        }
        carried = Set.copyOf(destinations);
    }

    @Override
    public void close() {
        datapath.close(); // the device goes with its descriptor, and the route with the device
        uncut.close();
        netlink.close();
    }
}

package io.flannelj.backend;

import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TunnelEnd;
import io.flannelj.device.Processors;
import io.flannelj.device.TunDevice;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.lease.PodSubnets;
import io.flannelj.linux.Errno;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
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
    private final PodDestinations allowed;
    private Set<Cidr> carried = Set.of();

    private TunnelLink(Datapath datapath, NetlinkSocket netlink, TunDevice tun, Cidr subnet, TunnelSpec.Link spec) {
        this.datapath = datapath;
        this.netlink = netlink;
        this.tun = tun;
        this.address = subnet.address();
        this.spec = spec;
        this.allowed = new PodDestinations(List.of(spec.network()), List.of(subnet));
    }

    /**
     * Opens device and sockets, with nothing routed into the device yet. What was made before a failure is undone.
     *
     * @param own this node's subnets
     * @param onLost told when somebody deleted the TUN device
     * @throws IOException names the device, address or port that was refused, and the remedy
     */
    static TunnelLink open(TunnelSettings settings, TunnelSpec.Link spec, PodSubnets own, Consumer<String> onLost)
            throws IOException {
        Cidr subnet = Objects.requireNonNull(
                spec.network().isIpv6() ? own.ipv6() : own.ipv4(), "a lease of the tunnel's family");
        IpAddress address = subnet.address();
        List<UnderlaySocket> sockets = new ArrayList<>();
        TunDevice tun = null;
        NetlinkSocket netlink = null;
        try {
            for (int i = 0; i < settings.workers(); i++) {
                sockets.add(spec.opening().open(settings.workers() > 1));
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
            Datapath datapath = new Datapath(
                    queues,
                    end,
                    queue -> pin(settings, queue),
                    peer -> log.warn(
                            "the kernel refuses UDP segmentation towards {}; sending each datagram by itself",
                            peer.underlayAddress()),
                    errno -> onLost.accept("the TUN device " + name
                            + (errno == Errno.EBADFD
                                    ? " was deleted"
                                    : " cannot be read any more: " + Errno.text(errno))));
            log.info(
                    "carrying {} on {}: {} offload, MTU {}, by {}",
                    spec.network(),
                    name,
                    tun.features().udpSegmentation()
                            ? "TCP and UDP"
                            : tun.features().tcpSegmentation() ? "TCP" : "no",
                    spec.mtuBytes(),
                    spec.endpoint() + " of " + spec.local());
            return new TunnelLink(datapath, netlink, tun, subnet, spec);
        } catch (IOException | RuntimeException e) {
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

    private static void pin(TunnelSettings settings, int queue) {
        int processor = Processors.of(queue);
        if (settings.pinWorkers() && !Processors.tryKeepOn(processor)) {
            log.warn("worker {} cannot be kept on processor {}; it runs where the kernel puts it", queue, processor);
        }
    }

    TunnelSpec.Link spec() {
        return spec;
    }

    String deviceName() {
        return tun.name();
    }

    Datapath datapath() {
        return datapath;
    }

    /** Takes the peers: whom to send to, and whom to take packets from. Packets that come later meet them. */
    void know(Collection<Peer> peers) {
        datapath.route(
                peers.stream().filter(peer -> allowed.cover(peer.subnet())).toList());
    }

    /**
     * Puts address, MTU, state and routes of the device in order, whatever somebody made of them.
     *
     * @param destinations what is routed into the device: the whole network, or subnets of peers while another tunnel has
     *     that. A route to the whole network is not taken back: the tunnel that gets it takes it over.
     */
    void carry(Set<Cidr> destinations) throws IOException {
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
        netlink.close();
    }
}

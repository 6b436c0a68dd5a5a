package io.flannelj.backend;

import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TunnelEnd;
import io.flannelj.device.DontFragment;
import io.flannelj.device.Processors;
import io.flannelj.device.TunDevice;
import io.flannelj.device.TunnelSocket;
import io.flannelj.device.UnderlaySocket;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.linux.Errno;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A backend that carries packets of one family itself: a TUN device with the node's tunnel address, one route for the whole pod
 * network into it, a UDP socket, and the data path between them. What differs from one encapsulation to the next is in
 * {@link Spec}.
 *
 * <p>All state about peers is in the data path's table; the kernel holds nothing per peer, so nothing there can go
 * stale.
 */
public final class Tunnel implements Backend {
    private static final Logger log = LoggerFactory.getLogger(Tunnel.class);

    private final Datapath datapath;
    private final NetlinkSocket netlink;
    private final TunDevice tun;
    private final IpAddress address;
    private final Spec spec;
    private final PodDestinations allowed;
    private Collection<Peer> known = List.of();
    private Set<Cidr> carried;
    private volatile Map<PodSubnets, String> unreachable = Map.of();

    private Tunnel(Datapath datapath, NetlinkSocket netlink, TunDevice tun, Cidr subnet, Spec spec) {
        this.datapath = datapath;
        this.netlink = netlink;
        this.tun = tun;
        this.address = subnet.address();
        this.spec = spec;
        this.allowed = new PodDestinations(List.of(spec.network()), List.of(subnet));
        this.carried = Set.of();
    }

    /**
     * How this node runs tunnels of any kind.
     *
     * @param tunPath usually {@code /dev/net/tun}
     * @param busyPoll how long an idle worker goes on asking for packets before it sleeps
     * @param workers threads, each with a TUN queue and a socket of its own
     * @param pinWorkers whether each worker keeps to one processor
     * @param thinAcks whether needless TCP acknowledgements are left out
     */
    public record Settings(String tunPath, Duration busyPoll, int workers, boolean pinWorkers, boolean thinAcks) {
        /** The same with one worker, for sockets that cannot share what comes in. */
        public Settings withOneWorker() {
            return new Settings(tunPath, busyPoll, 1, pinWorkers, thinAcks);
        }
    }

    /**
     * What makes one kind of tunnel.
     *
     * @param type the {@code Backend.Type} that it speaks
     * @param settings of this node, whatever the kind of tunnel
     * @param deviceName name or pattern of the TUN device
     * @param network the whole pod network of one family, which is routed into the device
     * @param opening opens what outer packets go through
     * @param endpoint where that is
     * @param local the address that it is bound to
     * @param mtuBytes MTU of the TUN device and so of pods
     * @param encapsulator header codec
     * @param peerOf how a lease becomes a peer; empty for leases that this encapsulation cannot reach
     */
    public record Spec(
            String type,
            Settings settings,
            String deviceName,
            Cidr network,
            Opening opening,
            TunnelEndpoint endpoint,
            IpAddress local,
            int mtuBytes,
            Encapsulator encapsulator,
            Function<Lease, Optional<Peer>> peerOf) {}

    /** Opens what outer packets go through. */
    public interface Opening {
        /**
         * Opens it.
         *
         * @param shared whether it is opened for several workers
         * @throws IOException names the address or port that was refused, and the remedy
         */
        UnderlaySocket open(boolean shared) throws IOException;
    }

    /** A UDP socket bound to an address of the underlay. Outer packets may be cut on their way, as those of kernel VXLAN. */
    public static Opening udp(IpAddress local, int port) {
        return shared -> TunnelSocket.open(local, port, shared, DontFragment.UNSET);
    }

    /**
     * Starts a tunnel for our lease, and routes the whole network into it. What was made before a failure is undone.
     *
     * @param onLost told when somebody deleted the TUN device
     * @throws IOException names the device, address or port that was refused, and the remedy
     */
    public static Tunnel start(Spec spec, Lease own, Consumer<String> onLost) throws IOException {
        Tunnel tunnel = open(spec, own, onLost);
        try {
            tunnel.apply(List.of());
            return tunnel;
        } catch (IOException | RuntimeException e) {
            tunnel.close();
            throw e;
        }
    }

    /** The same, with nothing routed into it yet. */
    static Tunnel open(Spec spec, Lease own, Consumer<String> onLost) throws IOException {
        boolean isIpv6 = spec.network().isIpv6();
        Cidr subnet = Objects.requireNonNull(
                isIpv6 ? own.subnets().ipv6() : own.subnets().ipv4(), "a lease of the tunnel's family");
        IpAddress address = subnet.address();
        Settings settings = spec.settings();
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
            return new Tunnel(datapath, netlink, tun, subnet, spec);
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

    private static void pin(Settings settings, int queue) {
        int processor = Processors.of(queue);
        if (settings.pinWorkers() && !Processors.tryKeepOn(processor)) {
            log.warn("worker {} cannot be kept on processor {}; it runs where the kernel puts it", queue, processor);
        }
    }

    @Override
    public List<String> deviceNames() {
        return List.of(tun.name());
    }

    @Override
    public List<TunnelEndpoint> endpoints() {
        return List.of(spec.endpoint());
    }

    @Override
    public int podMtuBytes() {
        return spec.mtuBytes();
    }

    @Override
    public void apply(Collection<Lease> peers) throws IOException {
        List<Peer> reachable = peers.stream()
                .flatMap(lease -> spec.peerOf().apply(lease).stream())
                .toList();
        unreachable = Unreachable.among(
                peers, spec.type(), lease -> spec.peerOf().apply(lease).isPresent());
        know(reachable);
        carry(Set.of(spec.network()));
    }

    @Override
    public Map<PodSubnets, String> unreachable() {
        return unreachable;
    }

    /** Takes the peers: whom to send to, and whom to take packets from. Packets that come later meet them. */
    void know(Collection<Peer> peers) {
        if (isOther(peers)) {
            known = peers;
            datapath.route(
                    peers.stream().filter(peer -> allowed.cover(peer.subnet())).toList());
        }
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

    /** The same collection again is the regular repair. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isOther(Collection<Peer> peers) {
        return peers != known;
    }

    @Override
    public List<Datapath> datapaths() {
        return List.of(datapath);
    }

    @Override
    public void close() {
        datapath.close(); // the device goes with its descriptor, and the route with the device
        netlink.close();
    }
}

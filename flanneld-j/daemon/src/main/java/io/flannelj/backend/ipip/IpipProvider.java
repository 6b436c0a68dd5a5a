package io.flannelj.backend.ipip;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.ClaimedDevices;
import io.flannelj.backend.DirectRouting;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Tunnel;
import io.flannelj.backend.Uplink;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.Datapath;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Peer;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code ipip} backend (RFC 2003), by the kernel's tunnel where it has one, else in user space, on the same wire. As in
 * flannel, leases carry the type and no data, and both ends carry IPv4.
 */
public final class IpipProvider implements BackendProvider {
    private static final Logger log = LoggerFactory.getLogger(IpipProvider.class);
    private static final String TYPE = "ipip";
    private static final String DEVICE = "flannel.ipip";
    private static final int OVERHEAD_BYTES = 20; // the outer IPv4 header

    private final Tunnel.Settings settings;

    public IpipProvider(Tunnel.Settings settings) {
        this.settings = settings;
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException {
        BackendConfig.Ipip options = (BackendConfig.Ipip) config.backend();
        Cidr network = Objects.requireNonNull(config.network(), "ipip carries IPv4");
        IpAddress local = Objects.requireNonNull(uplink.tunnelAddress(), "ipip runs over IPv4");
        IpAddress publicIp = Objects.requireNonNull(uplink.publicIp(), "ipip runs over IPv4");
        Wanted wanted = new Wanted(options, network, local, uplink.mtuBytes() - OVERHEAD_BYTES, uplink);
        boolean kernel = isCarriedByTheKernel(options.datapath());
        return new Prepared() {
            @Override
            public LeaseAttributes attributes() {
                return LeaseAttributes.ofIpv4(publicIp, TYPE, null);
            }

            @Override
            public Backend start(Lease own, Consumer<String> onLost) throws IOException {
                return kernel ? kernel(wanted, own, onLost) : userspace(wanted, own, onLost);
            }
        };
    }

    /** What is wanted, whoever carries. */
    private record Wanted(BackendConfig.Ipip options, Cidr network, IpAddress local, int mtuBytes, Uplink uplink) {}

    private static Backend kernel(Wanted wanted, Lease own, Consumer<String> onLost) throws IOException {
        Cidr subnet = Objects.requireNonNull(own.subnets().ipv4(), "a subnet of the network's family");
        KernelIpip.Spec spec = new KernelIpip.Spec(
                DEVICE,
                wanted.local(),
                Cidr.host(subnet.address()),
                wanted.mtuBytes(),
                wanted.options().directRouting(),
                wanted.uplink().index());
        NetlinkSocket netlink = NetlinkSocket.open();
        PeerRoutes routes =
                new PeerRoutes(netlink, PodDestinations.of(List.of(wanted.network()), own.subnets()), wanted.uplink());
        return KernelIpip.start(netlink, routes, spec, onLost);
    }

    private Backend userspace(Wanted wanted, Lease own, Consumer<String> onLost) throws IOException {
        Tunnel.Spec spec = new Tunnel.Spec(
                TYPE,
                settings.withOneWorker(), // each raw socket would get a copy of every packet
                DEVICE,
                wanted.network(),
                shared -> {
                    ClaimedDevices.makeWay(DEVICE, KernelIpip.KIND); // it would answer for what is ours, too
                    return IpipSocket.open(PooledByteBufAllocator.DEFAULT, wanted.local(), wanted.mtuBytes());
                },
                TunnelEndpoint.ipInIp(),
                wanted.local(),
                wanted.mtuBytes(),
                new IpipEncapsulator(wanted.local()),
                IpipProvider::peer);
        Tunnel tunnel = Tunnel.start(spec, own, onLost);
        PodDestinations destinations = PodDestinations.of(List.of(wanted.network()), own.subnets());
        return wanted.options().directRouting()
                ? DirectRouting.beside(tunnel, destinations, wanted.uplink(), IpipProvider::isIpip)
                : DirectRouting.none(tunnel, destinations, wanted.uplink());
    }

    private static boolean isCarriedByTheKernel(Datapath asked) throws IOException {
        if (asked == Datapath.USERSPACE) {
            return false;
        }
        if (kernelHasIpip()) {
            return true;
        }
        if (asked == Datapath.KERNEL) {
            throw new IOException("this kernel has no IP in IP tunnel, which the network config asks for by Datapath"
                    + " \"kernel\": load its module (modprobe ipip), or let it be carried in user space by \"auto\"");
        }
        log.info("this kernel has no IP in IP tunnel; carrying it in user space");
        return false;
    }

    private static boolean kernelHasIpip() throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            return new Links(netlink).hasIpip();
        }
    }

    static boolean isIpip(Lease lease) {
        return lease.attributes().backendType().equals(TYPE);
    }

    private static Optional<Peer> peer(Lease lease) {
        Cidr subnet = lease.subnets().ipv4();
        IpAddress address = lease.attributes().publicIpv4();
        if (!isIpip(lease) || subnet == null || address == null) {
            return Optional.empty();
        }
        Peer peer = new Peer(subnet, address, 0, 0);
        peer.segmentSeparately(); // UDP's segmentation is not for raw sockets
        return Optional.of(peer);
    }
}

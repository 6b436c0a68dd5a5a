package io.flannelj.backend.ipip;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Prepared;
import io.flannelj.backend.PreparedBackend;
import io.flannelj.backend.TunnelSpec;
import io.flannelj.backend.Uplink;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.Datapath;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.TunnelSettings;
import io.flannelj.datapath.Peer;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.TunnelDevices;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code ipip} backend (RFC 2003), by the kernel's tunnel where it has one, else in user space, on the same wire. As in
 * flannel, leases carry the type and no data, and both ends carry IPv4.
 */
public final class IpipProvider implements BackendProvider {
    private static final Logger log = LoggerFactory.getLogger(IpipProvider.class);
    private static final String DEVICE = "flannel.ipip";
    private static final int OVERHEAD_BYTES = 20; // the outer IPv4 header

    private final TunnelSettings settings;

    public IpipProvider(TunnelSettings settings) {
        this.settings = settings;
    }

    @Override
    public String type() {
        return KernelIpip.TYPE;
    }

    @Override
    public Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException {
        BackendConfig.Ipip options = (BackendConfig.Ipip) config.backend();
        Cidr network = config.networks().require(IpFamily.IPV4);
        IpAddress local = uplink.tunnelAddresses().require(IpFamily.IPV4);
        IpAddress publicIp = uplink.publicIps().require(IpFamily.IPV4);
        int mtuBytes = uplink.mtuBytes() - OVERHEAD_BYTES;
        LeaseAttributes attributes = LeaseAttributes.ofIpv4(publicIp, KernelIpip.TYPE, null);
        if (isCarriedByTheKernel(options.datapath())) {
            return new PreparedBackend(attributes, List.of(DEVICE, uplink.name()), (own, onLost) -> {
                Cidr address = Cidr.host(
                        own.subnets().byFamily().require(IpFamily.IPV4).address());
                KernelIpip.Spec spec =
                        new KernelIpip.Spec(DEVICE, local, address, mtuBytes, options.directRouting(), uplink);
                NetlinkSocket netlink = NetlinkSocket.open();
                PeerRoutes routes =
                        new PeerRoutes(netlink, PodDestinations.of(config.networks(), own.subnets()), uplink);
                return KernelIpip.start(netlink, routes, spec, onLost);
            });
        }
        TunnelSpec.Link link = new TunnelSpec.Link(
                DEVICE,
                network,
                IpipSocket.opening(PooledByteBufAllocator.DEFAULT, local, mtuBytes),
                TunnelEndpoint.ipInIp(),
                local,
                mtuBytes,
                new IpipEncapsulator(local),
                IpipProvider::peer);
        return new TunnelSpec(
                settings.withOneWorker(), // each raw socket would get a copy of every packet
                config,
                uplink,
                attributes,
                options.directRouting(),
                List.of(link));
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
            return new TunnelDevices(netlink).hasIpip();
        }
    }

    private static Optional<Peer> peer(Lease lease) {
        Optional<Peer> peer = lease.side(IpFamily.IPV4)
                .filter(side -> KernelIpip.isIpip(lease))
                .map(side -> new Peer(side.subnet(), side.node(), 0, 0));
        peer.ifPresent(Peer::segmentSeparately); // UDP's segmentation is not for raw sockets
        return peer;
    }
}

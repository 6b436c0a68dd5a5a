package io.flannelj.backend.ipip;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.DirectRouting;
import io.flannelj.backend.Tunnel;
import io.flannelj.backend.Uplink;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Peer;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The {@code ipip} backend (RFC 2003), in user space: the same wire as flannel's kernel tunnel, and no kernel module. As
 * in flannel, leases carry the type and no data, and both ends carry IPv4.
 */
public final class IpipProvider implements BackendProvider {
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
    public Prepared prepare(NetworkConfig config, Uplink uplink) {
        BackendConfig.Ipip options = (BackendConfig.Ipip) config.backend();
        Cidr network = Objects.requireNonNull(config.network(), "ipip carries IPv4");
        IpAddress local = Objects.requireNonNull(uplink.address(), "ipip runs over IPv4");
        IpAddress publicIp = Objects.requireNonNull(uplink.publicIp(), "ipip runs over IPv4");
        int mtuBytes = uplink.mtuBytes() - OVERHEAD_BYTES;
        Tunnel.Spec spec = new Tunnel.Spec(
                settings.withOneWorker(), // each raw socket would get a copy of every packet
                DEVICE,
                network,
                shared -> IpipSocket.open(PooledByteBufAllocator.DEFAULT, local, mtuBytes),
                "IP protocol 4 on " + local,
                mtuBytes,
                new IpipEncapsulator(local),
                IpipProvider::peer);
        return new Prepared() {
            @Override
            public LeaseAttributes attributes() {
                return LeaseAttributes.ofIpv4(publicIp, TYPE, null);
            }

            @Override
            public Backend start(Lease own, Consumer<String> onLost) throws IOException {
                Tunnel tunnel = Tunnel.start(spec, own, onLost);
                return options.directRouting()
                        ? DirectRouting.beside(tunnel, List.of(network), uplink, IpipProvider::isIpip)
                        : DirectRouting.none(tunnel, List.of(network), uplink);
            }
        };
    }

    private static boolean isIpip(Lease lease) {
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

package io.flannelj.backend.udp;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.TunnelSpec;
import io.flannelj.backend.Uplink;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.TunnelSettings;
import io.flannelj.datapath.Peer;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.TunnelEndpoint;
import java.util.List;
import java.util.Optional;

/**
 * The {@code udp} backend: flannel's first wire format, on every architecture. As in flannel, all nodes use the port of
 * the network config, and leases carry neither a type nor data, so every lease with an address is a peer.
 */
public final class UdpProvider implements BackendProvider {
    private static final int OVERHEAD_BYTES = 28; // IPv4 20, UDP 8
    private static final String DEVICE_PATTERN = "flannel%d";

    private final TunnelSettings settings;

    public UdpProvider(TunnelSettings settings) {
        this.settings = settings;
    }

    @Override
    public String type() {
        return "udp";
    }

    @Override
    public boolean canMigrate(NetworkConfig config) {
        return true;
    }

    @Override
    public TunnelSpec prepare(NetworkConfig config, Uplink uplink) {
        BackendConfig.Udp options = (BackendConfig.Udp) config.backend();
        Cidr network = config.networks().require(IpFamily.IPV4);
        IpAddress local = uplink.tunnelAddresses().require(IpFamily.IPV4);
        IpAddress publicIp = uplink.publicIps().require(IpFamily.IPV4);
        TunnelSpec.Link link = new TunnelSpec.Link(
                DEVICE_PATTERN,
                network,
                TunnelSpec.udp(local, options.port()),
                TunnelEndpoint.udp(options.port()),
                local,
                uplink.mtuBytes() - OVERHEAD_BYTES,
                new BareIpEncapsulator(),
                lease -> peer(lease, options.port()));
        return new TunnelSpec(
                settings, config, uplink, LeaseAttributes.ofIpv4(publicIp, "", null), false, List.of(link));
    }

    private static Optional<Peer> peer(Lease lease, int port) {
        return lease.side(IpFamily.IPV4).map(side -> new Peer(side.subnet(), side.node(), port, 0));
    }
}

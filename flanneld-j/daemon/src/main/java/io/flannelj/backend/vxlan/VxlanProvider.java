package io.flannelj.backend.vxlan;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.Tunnel;
import io.flannelj.backend.Uplink;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Peer;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The {@code vxlan} backend in user space: the same wire as flannel's kernel VXLAN, so both may serve in one network.
 * Leases of other types are left alone.
 */
public final class VxlanProvider implements BackendProvider {
    private static final int OVERHEAD_BYTES = 50; // IPv4 20, UDP 8, VXLAN 8, Ethernet 14

    private final Tunnel.Settings settings;
    private final Path stateDirectory;

    /**
     * @param stateDirectory where the VTEP's MAC address is kept over restarts
     */
    public VxlanProvider(Tunnel.Settings settings, Path stateDirectory) {
        this.settings = settings;
        this.stateDirectory = stateDirectory;
    }

    @Override
    public String type() {
        return VxlanLeaseData.TYPE;
    }

    @Override
    public Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException {
        BackendConfig.Vxlan options = (BackendConfig.Vxlan) config.backend();
        Cidr network = Objects.requireNonNull(config.network(), "an IPv4 network");
        IpAddress local = Objects.requireNonNull(uplink.address(), "an IPv4 underlay");
        IpAddress publicIp = Objects.requireNonNull(uplink.publicIp(), "an IPv4 underlay");
        MacAddress mac = new VtepMacFile(stateDirectory, options.vni()).readOrMake();
        int baseMtuBytes = options.mtuBytes() > 0 ? options.mtuBytes() : uplink.mtuBytes();
        Tunnel.Spec spec = new Tunnel.Spec(
                settings,
                "flannel." + options.vni(),
                network,
                local,
                options.port(),
                baseMtuBytes - OVERHEAD_BYTES,
                new VxlanEncapsulator(options.vni(), mac),
                lease -> peer(lease, options));
        return new Prepared() {
            @Override
            public LeaseAttributes attributes() {
                return LeaseAttributes.ofIpv4(
                        publicIp, VxlanLeaseData.TYPE, new VxlanLeaseData(options.vni(), mac).toJson());
            }

            @Override
            public Backend start(Lease own, Consumer<String> onLost) throws IOException {
                return Tunnel.start(spec, own, onLost);
            }
        };
    }

    private static Optional<Peer> peer(Lease lease, BackendConfig.Vxlan options) {
        Cidr subnet = lease.subnets().ipv4();
        IpAddress address = lease.attributes().publicIpv4();
        if (subnet == null || address == null) {
            return Optional.empty();
        }
        return VxlanLeaseData.of(lease.attributes())
                .map(data ->
                        new Peer(subnet, address, options.port(), data.vtepMac().bits()));
    }
}

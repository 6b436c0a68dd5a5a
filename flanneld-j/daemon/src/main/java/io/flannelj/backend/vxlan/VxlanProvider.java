package io.flannelj.backend.vxlan;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.ClaimedDevices;
import io.flannelj.backend.DirectRouting;
import io.flannelj.backend.KeptMac;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Tunnel;
import io.flannelj.backend.TunnelPair;
import io.flannelj.backend.Uplink;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.Datapath;
import io.flannelj.config.NetworkConfig;
import io.flannelj.datapath.Peer;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.VxlanLink;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code vxlan} backend, carried in user space or by the kernel: the same wire and the same leases as flannel's, so
 * all three may serve in one network. Leases of other types are left alone.
 */
public final class VxlanProvider implements BackendProvider {
    private static final Logger log = LoggerFactory.getLogger(VxlanProvider.class);
    private static final int OVERHEAD_BYTES = 50; // IPv4 20, UDP 8, VXLAN 8, Ethernet 14
    private static final int OVERHEAD_V6_BYTES = 70; // IPv6 40, and the same

    private final Tunnel.Settings settings;
    private final Path stateDirectory;
    private final @Nullable Datapath override;
    private final Supplier<@Nullable LeaseAttributes> earlier;

    /**
     * @param stateDirectory where the VTEP's MAC address is kept over restarts
     * @param override what this node uses whatever the network config says; null leaves it to that
     * @param earlier what the store remembers of an earlier life; its MAC address is what peers know, and comes before the
     *     one kept
     */
    public VxlanProvider(
            Tunnel.Settings settings,
            Path stateDirectory,
            @Nullable Datapath override,
            Supplier<@Nullable LeaseAttributes> earlier) {
        this.settings = settings;
        this.stateDirectory = stateDirectory;
        this.override = override;
        this.earlier = earlier;
    }

    @Override
    public String type() {
        return VxlanLeaseData.TYPE;
    }

    @Override
    public boolean isTunnel(NetworkConfig config) throws IOException {
        BackendConfig.Vxlan options = (BackendConfig.Vxlan) config.backend();
        return config.ipv6Network() == null && !options.directRouting() && !isCarriedByTheKernel(options);
    }

    @Override
    public Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException {
        BackendConfig.Vxlan options = (BackendConfig.Vxlan) config.backend();
        boolean kernel = isCarriedByTheKernel(options);
        if (!kernel && asked(options) == Datapath.AUTO) {
            log.info("this kernel has no VXLAN; carrying it in user space");
        }
        return kernel ? new Kernel(config, options, uplink) : userspace(config, options, uplink);
    }

    private Datapath asked(BackendConfig.Vxlan options) {
        return override == null ? options.datapath() : override;
    }

    private boolean isCarriedByTheKernel(BackendConfig.Vxlan options) throws IOException {
        Datapath asked = asked(options);
        return asked == Datapath.KERNEL || (asked == Datapath.AUTO && kernelHasVxlan());
    }

    private static boolean kernelHasVxlan() throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            return new Links(netlink).hasVxlan();
        }
    }

    private KeptMac keptMac(String device) {
        return new KeptMac(stateDirectory.resolve(device.replaceFirst("^flannel(-v6)?", "vtep-mac$1")));
    }

    private static int baseMtuBytes(BackendConfig.Vxlan options, Uplink uplink) {
        return options.mtuBytes() > 0 ? options.mtuBytes() : uplink.mtuBytes();
    }

    private Prepared userspace(NetworkConfig config, BackendConfig.Vxlan options, Uplink uplink) throws IOException {
        MacAddress mac = config.network() == null ? null : keptMac(options, true);
        MacAddress ipv6Mac = config.ipv6Network() == null ? null : keptMac(options, false);
        Tunnel.Spec ipv4 = spec(options, uplink, config.network(), uplink.tunnelAddress(), mac);
        Tunnel.Spec ipv6 = spec(options, uplink, config.ipv6Network(), uplink.tunnelIpv6Address(), ipv6Mac);
        List<Cidr> networks = PeerRoutes.networks(config.network(), config.ipv6Network());
        return new Prepared() {
            @Override
            public LeaseAttributes attributes() {
                return attributesOf(options, uplink, mac, ipv6Mac);
            }

            @Override
            public Backend start(Lease own, Consumer<String> onLost) throws IOException {
                Backend tunnel = ipv4 != null && ipv6 != null
                        ? TunnelPair.start(ipv4, ipv6, own, onLost)
                        : Tunnel.start(Objects.requireNonNull(ipv4 == null ? ipv6 : ipv4), own, onLost);
                PodDestinations destinations = PodDestinations.of(networks, own.subnets());
                return options.directRouting()
                        ? DirectRouting.beside(tunnel, destinations, uplink, VxlanProvider::isVxlan)
                        : DirectRouting.none(tunnel, destinations, uplink);
            }

            @Override
            public Optional<Tunnel.Spec> tunnel() {
                return ipv4 != null && ipv6 == null && !options.directRouting() ? Optional.of(ipv4) : Optional.empty();
            }
        };
    }

    private static Tunnel.Opening opening(String device, IpAddress local, int port) {
        Tunnel.Opening socket = Tunnel.udp(local, port);
        return shared -> {
            ClaimedDevices.makeWay(device, "vxlan"); // it would hold the port, too
            return socket.open(shared);
        };
    }

    private @Nullable MacAddress remembered(BackendConfig.Vxlan options, boolean ipv4) {
        LeaseAttributes attributes = earlier.get();
        return attributes == null
                ? null
                : VxlanLeaseData.of(attributes, ipv4)
                        .filter(data -> data.vni() == options.vni())
                        .map(VxlanLeaseData::vtepMac)
                        .orElse(null);
    }

    private MacAddress keptMac(BackendConfig.Vxlan options, boolean ipv4) throws IOException {
        return keptMac(device(options, ipv4)).readOrMake(remembered(options, ipv4));
    }

    private static String device(BackendConfig.Vxlan options, boolean ipv4) {
        return (ipv4 ? "flannel." : "flannel-v6.") + options.vni();
    }

    private static LeaseAttributes attributesOf(
            BackendConfig.Vxlan options, Uplink uplink, @Nullable MacAddress mac, @Nullable MacAddress ipv6Mac) {
        return new LeaseAttributes(
                mac == null ? null : uplink.publicIp(),
                ipv6Mac == null ? null : uplink.publicIpv6(),
                VxlanLeaseData.TYPE,
                mac == null ? null : new VxlanLeaseData(options.vni(), mac).toJson(),
                ipv6Mac == null ? null : new VxlanLeaseData(options.vni(), ipv6Mac).toJson());
    }

    /** One family's tunnel; null where the network has none. */
    private Tunnel.@Nullable Spec spec(
            BackendConfig.Vxlan options,
            Uplink uplink,
            @Nullable Cidr network,
            @Nullable IpAddress local,
            @Nullable MacAddress mac) {
        if (network == null || mac == null) {
            return null;
        }
        boolean ipv4 = network.isIpv4();
        return new Tunnel.Spec(
                VxlanLeaseData.TYPE,
                settings,
                device(options, ipv4),
                network,
                opening(
                        device(options, ipv4),
                        Objects.requireNonNull(local, "an underlay of the network's family"),
                        options.port()),
                TunnelEndpoint.udp(options.port()),
                Objects.requireNonNull(local),
                baseMtuBytes(options, uplink) - (ipv4 ? OVERHEAD_BYTES : OVERHEAD_V6_BYTES),
                new VxlanEncapsulator(options.vni(), mac, !ipv4, options.gbp()),
                lease -> peer(lease, ipv4, options));
    }

    private static boolean isVxlan(Lease lease) {
        return lease.attributes().backendType().equals(VxlanLeaseData.TYPE);
    }

    private static Optional<Peer> peer(Lease lease, boolean ipv4, BackendConfig.Vxlan options) {
        return VtepPeer.of(lease, ipv4)
                .map(peer -> new Peer(
                        peer.subnet(),
                        peer.underlay(),
                        options.port(),
                        peer.mac().bits()));
    }

    /** One device of the kernel for each family that the network has. */
    private final class Kernel implements Prepared {
        private final BackendConfig.Vxlan options;
        private final Uplink uplink;
        private final @Nullable Cidr network;
        private final @Nullable Cidr ipv6Network;
        private final @Nullable MacAddress mac;
        private final @Nullable MacAddress ipv6Mac;

        Kernel(NetworkConfig config, BackendConfig.Vxlan options, Uplink uplink) throws IOException {
            this.options = options;
            this.uplink = uplink;
            this.network = config.network();
            this.ipv6Network = config.ipv6Network();
            this.mac = network == null ? null : mac(true);
            this.ipv6Mac = ipv6Network == null ? null : mac(false);
        }

        private String device(boolean ipv4) {
            return VxlanProvider.device(options, ipv4);
        }

        /** That of a device which survived, whoever made it, so that no peer has to learn a new one; else the one kept. */
        private MacAddress mac(boolean ipv4) throws IOException {
            String device = device(ipv4);
            KeptMac file = keptMac(device);
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                VxlanLink present = new Links(netlink).findVxlan(device).orElse(null);
                MacAddress survivor = present == null ? null : present.mac();
                if (survivor != null) {
                    file.write(survivor);
                    return survivor;
                }
            }
            return file.readOrMake(remembered(options, ipv4));
        }

        @Override
        public LeaseAttributes attributes() {
            return attributesOf(options, uplink, mac, ipv6Mac);
        }

        @Override
        public Backend start(Lease own, Consumer<String> onLost) throws IOException {
            List<KernelVtep.Spec> specs = new ArrayList<>();
            add(specs, network, own.subnets().ipv4(), uplink.tunnelAddress(), mac);
            add(specs, ipv6Network, own.subnets().ipv6(), uplink.tunnelIpv6Address(), ipv6Mac);
            NetlinkSocket netlink = NetlinkSocket.open();
            PeerRoutes routes = new PeerRoutes(
                    netlink, PodDestinations.of(PeerRoutes.networks(network, ipv6Network), own.subnets()), uplink);
            return KernelVxlan.start(netlink, routes, specs, onLost);
        }

        private void add(
                List<KernelVtep.Spec> specs,
                @Nullable Cidr podNetwork,
                @Nullable Cidr subnet,
                @Nullable IpAddress local,
                @Nullable MacAddress vtep) {
            if (podNetwork == null || subnet == null || local == null) {
                return;
            }
            boolean ipv4 = subnet.isIpv4();
            VxlanLink link = new VxlanLink(
                    device(ipv4),
                    options.vni(),
                    uplink.index(),
                    local,
                    options.port(),
                    baseMtuBytes(options, uplink) - (ipv4 ? OVERHEAD_BYTES : OVERHEAD_V6_BYTES),
                    vtep,
                    options.learning(),
                    options.gbp(),
                    false);
            specs.add(new KernelVtep.Spec(
                    link, Cidr.host(subnet.address()), podNetwork, options.directRouting(), uplink.index()));
        }
    }
}

package io.flannelj.backend.vxlan;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.KeptMac;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.TunnelSettings;
import io.flannelj.backend.TunnelSpec;
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
import java.util.stream.Stream;
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

    private final TunnelSettings settings;
    private final Path stateDirectory;
    private final @Nullable Datapath override;
    private final Supplier<@Nullable LeaseAttributes> earlier;

    /**
     * @param stateDirectory where the VTEP's MAC address is kept over restarts
     * @param override what this node uses whatever the network config says; null leaves it to that
     * @param earlier what the store remembers of an earlier run; its MAC address is what peers know, and comes before the
     *     one kept
     */
    public VxlanProvider(
            TunnelSettings settings,
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
    public boolean canMigrate(NetworkConfig config) throws IOException {
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
        List<Vtep> vteps = vteps(config, options, uplink, kernel);
        LeaseAttributes attributes = attributes(options, uplink, vteps);
        return kernel
                ? new PreparedBackend(
                        attributes,
                        Stream.concat(vteps.stream().map(Vtep::device), Stream.of(uplink.name()))
                                .toList(),
                        (own, onLost) -> startKernel(options, uplink, vteps, own, onLost))
                : new TunnelSpec(
                        settings,
                        config,
                        uplink,
                        attributes,
                        options.directRouting(),
                        vteps.stream().map(vtep -> link(options, vtep)).toList());
    }

    /**
     * This node's VTEP of one family, whoever carries.
     *
     * @param device its name
     * @param network the pod network of the family
     * @param local underlay address
     */
    private record Vtep(String device, Cidr network, IpAddress local, MacAddress mac, int mtuBytes) {
        boolean isIpv4() {
            return network.isIpv4();
        }
    }

    private List<Vtep> vteps(NetworkConfig config, BackendConfig.Vxlan options, Uplink uplink, boolean kernel)
            throws IOException {
        List<Vtep> vteps = new ArrayList<>();
        int baseMtuBytes = options.mtuBytes() > 0 ? options.mtuBytes() : uplink.mtuBytes();
        for (Cidr network : PeerRoutes.networks(config.network(), config.ipv6Network())) {
            boolean ipv4 = network.isIpv4();
            String device = (ipv4 ? "flannel." : "flannel-v6.") + options.vni();
            IpAddress local = ipv4 ? uplink.tunnelAddress() : uplink.tunnelIpv6Address();
            vteps.add(new Vtep(
                    device,
                    network,
                    Objects.requireNonNull(local, "an underlay of the network's family"),
                    mac(options, device, ipv4, kernel),
                    baseMtuBytes - (ipv4 ? OVERHEAD_BYTES : OVERHEAD_V6_BYTES)));
        }
        return vteps;
    }

    /**
     * That of a device of the kernel's which survived, whoever made it, so that no peer has to learn a new one; else what the
     * peers know; else the one kept.
     */
    private MacAddress mac(BackendConfig.Vxlan options, String device, boolean ipv4, boolean kernel)
            throws IOException {
        KeptMac file = new KeptMac(stateDirectory.resolve(device.replaceFirst("^flannel(-v6)?", "vtep-mac$1")));
        if (kernel) {
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                MacAddress survivor =
                        new Links(netlink).findVxlan(device).map(VxlanLink::mac).orElse(null);
                if (survivor != null) {
                    file.write(survivor);
                    return survivor;
                }
            }
        }
        return file.readOrMake(Optional.ofNullable(earlier.get())
                .flatMap(attributes -> VxlanLeaseData.of(attributes, ipv4))
                .filter(data -> data.vni() == options.vni())
                .map(VxlanLeaseData::vtepMac)
                .orElse(null));
    }

    private static LeaseAttributes attributes(BackendConfig.Vxlan options, Uplink uplink, List<Vtep> vteps) {
        Optional<Vtep> ipv4 = vteps.stream().filter(Vtep::isIpv4).findFirst();
        Optional<Vtep> ipv6 = vteps.stream().filter(vtep -> !vtep.isIpv4()).findFirst();
        return new LeaseAttributes(
                ipv4.map(vtep -> uplink.publicIp()).orElse(null),
                ipv6.map(vtep -> uplink.publicIpv6()).orElse(null),
                VxlanLeaseData.TYPE,
                ipv4.map(vtep -> new VxlanLeaseData(options.vni(), vtep.mac()).toJson())
                        .orElse(null),
                ipv6.map(vtep -> new VxlanLeaseData(options.vni(), vtep.mac()).toJson())
                        .orElse(null));
    }

    private static TunnelSpec.Link link(BackendConfig.Vxlan options, Vtep vtep) {
        return new TunnelSpec.Link(
                vtep.device(),
                vtep.network(),
                TunnelSpec.udp(vtep.local(), options.port()),
                TunnelEndpoint.udp(options.port()),
                vtep.local(),
                vtep.mtuBytes(),
                new VxlanEncapsulator(options.vni(), vtep.mac(), !vtep.isIpv4(), options.gbp()),
                lease -> VtepPeer.of(lease, vtep.isIpv4())
                        .map(peer -> new Peer(
                                peer.subnet(),
                                peer.underlay(),
                                options.port(),
                                peer.mac().bits())));
    }

    private static Backend startKernel(
            BackendConfig.Vxlan options, Uplink uplink, List<Vtep> vteps, Lease own, Consumer<String> onLost)
            throws IOException {
        List<KernelVtep.Spec> specs = new ArrayList<>();
        for (Vtep vtep : vteps) {
            Cidr subnet = vtep.isIpv4() ? own.subnets().ipv4() : own.subnets().ipv6();
            if (subnet != null) {
                VxlanLink link = new VxlanLink(
                        vtep.device(),
                        options.vni(),
                        uplink.index(),
                        vtep.local(),
                        options.port(),
                        vtep.mtuBytes(),
                        vtep.mac(),
                        options.learning(),
                        options.gbp(),
                        false);
                specs.add(new KernelVtep.Spec(
                        link, Cidr.host(subnet.address()), vtep.network(), options.directRouting(), uplink.index()));
            }
        }
        NetlinkSocket netlink = NetlinkSocket.open();
        List<Cidr> networks = vteps.stream().map(Vtep::network).toList();
        PeerRoutes routes = new PeerRoutes(netlink, PodDestinations.of(networks, own.subnets()), uplink);
        return KernelVxlan.start(netlink, routes, specs, onLost);
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
}

package io.flannelj.backend.vxlan;

import io.flannelj.backend.Backend;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PersistentMac;
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
import io.flannelj.net.MacAddress;
import io.flannelj.net.PerFamily;
import io.flannelj.net.TunnelEndpoint;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.TunnelDevices;
import io.flannelj.netlink.VxlanLink;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
        return !config.families().contains(IpFamily.IPV6) && !options.directRouting() && !isCarriedByTheKernel(options);
    }

    @Override
    public Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException {
        BackendConfig.Vxlan options = (BackendConfig.Vxlan) config.backend();
        boolean kernel = isCarriedByTheKernel(options);
        if (!kernel && asked(options) == Datapath.AUTO) {
            log.info("this kernel has no VXLAN; carrying it in user space");
        }
        PerFamily<Vtep> vteps = vteps(config, options, uplink, kernel);
        LeaseAttributes attributes = attributes(options, uplink, vteps);
        return kernel
                ? new PreparedBackend(
                        attributes,
                        Stream.concat(vteps.values().stream().map(Vtep::device), Stream.of(uplink.name()))
                                .toList(),
                        (own, onLost) -> startKernel(options, uplink, vteps, own, onLost))
                : new TunnelSpec(
                        settings,
                        config,
                        uplink,
                        attributes,
                        options.directRouting(),
                        vteps.values().stream().map(vtep -> link(options, vtep)).toList());
    }

    /**
     * This node's VTEP of one family, whoever carries.
     *
     * @param device its name
     * @param network the pod network of the family
     * @param local underlay address
     */
    private record Vtep(String device, Cidr network, IpAddress local, MacAddress mac, int mtuBytes) {
        IpFamily family() {
            return network.family();
        }
    }

    private PerFamily<Vtep> vteps(NetworkConfig config, BackendConfig.Vxlan options, Uplink uplink, boolean kernel)
            throws IOException {
        List<Vtep> vteps = new ArrayList<>();
        int baseMtuBytes = options.mtuBytes() > 0 ? options.mtuBytes() : uplink.mtuBytes();
        for (Cidr network : config.networks().values()) {
            IpFamily family = network.family();
            boolean ipv4 = family == IpFamily.IPV4;
            String device = (ipv4 ? "flannel." : "flannel-v6.") + options.vni();
            vteps.add(new Vtep(
                    device,
                    network,
                    uplink.tunnelAddresses().require(family),
                    mac(options, device, family, kernel),
                    baseMtuBytes - (ipv4 ? OVERHEAD_BYTES : OVERHEAD_V6_BYTES)));
        }
        return PerFamily.by(Vtep::family, vteps);
    }

    /**
     * That of a device of the kernel's which survived, whoever made it, so that no peer has to learn a new one; else what the
     * peers know; else the one kept.
     */
    private MacAddress mac(BackendConfig.Vxlan options, String device, IpFamily family, boolean kernel)
            throws IOException {
        PersistentMac file =
                new PersistentMac(stateDirectory.resolve(device.replaceFirst("^flannel(-v6)?", "vtep-mac$1")));
        if (kernel) {
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                MacAddress survivor = new TunnelDevices(netlink)
                        .findVxlan(device)
                        .map(VxlanLink::mac)
                        .orElse(null);
                if (survivor != null) {
                    file.write(survivor);
                    return survivor;
                }
            }
        }
        return file.readOrMake(Optional.ofNullable(earlier.get())
                .flatMap(attributes -> VxlanLeaseData.of(attributes, family))
                .filter(data -> data.vni() == options.vni())
                .map(VxlanLeaseData::vtepMac)
                .orElse(null));
    }

    private static LeaseAttributes attributes(BackendConfig.Vxlan options, Uplink uplink, PerFamily<Vtep> vteps) {
        return new LeaseAttributes(
                uplink.publicIps(),
                VxlanLeaseData.TYPE,
                vteps.map(vtep -> new VxlanLeaseData(options.vni(), vtep.mac()).toJson()));
    }

    private static TunnelSpec.Link link(BackendConfig.Vxlan options, Vtep vtep) {
        return new TunnelSpec.Link(
                vtep.device(),
                vtep.network(),
                TunnelSpec.udp(vtep.local(), options.port()),
                TunnelEndpoint.udp(options.port()),
                vtep.local(),
                vtep.mtuBytes(),
                new VxlanEncapsulator(options.vni(), vtep.mac(), vtep.family(), options.gbp()),
                lease -> VtepPeer.of(lease, vtep.family())
                        .map(peer -> new Peer(
                                peer.subnet(),
                                peer.underlay(),
                                options.port(),
                                peer.mac().bits())));
    }

    private static Backend startKernel(
            BackendConfig.Vxlan options, Uplink uplink, PerFamily<Vtep> vteps, Lease own, Consumer<String> onLost)
            throws IOException {
        List<KernelVtep.Spec> specs = new ArrayList<>();
        for (Vtep vtep : vteps.values()) {
            Cidr subnet = own.subnets().get(vtep.family()).orElse(null);
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
                        link, Cidr.host(subnet.address()), vtep.network(), options.directRouting(), uplink));
            }
        }
        NetlinkSocket netlink = NetlinkSocket.open();
        PodDestinations destinations = PodDestinations.of(vteps.map(Vtep::network), own.subnets());
        PeerRoutes routes = new PeerRoutes(netlink, destinations, uplink);
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
            return new TunnelDevices(netlink).hasVxlan();
        }
    }
}

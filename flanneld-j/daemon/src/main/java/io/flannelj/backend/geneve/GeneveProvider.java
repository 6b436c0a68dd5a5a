package io.flannelj.backend.geneve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.PersistentMac;
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
import io.flannelj.net.MacAddress;
import io.flannelj.net.TunnelEndpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The {@code geneve} backend (RFC 8926), in user space; flannel has none. Leases carry {@code {"VNI":1,"MAC":"…"}}. */
public final class GeneveProvider implements BackendProvider {
    private static final String TYPE = "geneve";
    private static final int OVERHEAD_BYTES = 50; // IPv4 20, UDP 8, Geneve 8, Ethernet 14

    private final TunnelSettings settings;
    private final Path stateDirectory;

    /**
     * @param stateDirectory where the MAC address is kept over restarts
     */
    public GeneveProvider(TunnelSettings settings, Path stateDirectory) {
        this.settings = settings;
        this.stateDirectory = stateDirectory;
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public boolean canMigrate(NetworkConfig config) {
        return true;
    }

    @Override
    public TunnelSpec prepare(NetworkConfig config, Uplink uplink) throws IOException {
        BackendConfig.Geneve options = (BackendConfig.Geneve) config.backend();
        Cidr network = config.networks().require(IpFamily.IPV4);
        IpAddress local = uplink.tunnelAddresses().require(IpFamily.IPV4);
        IpAddress publicIp = uplink.publicIps().require(IpFamily.IPV4);
        MacAddress mac = new PersistentMac(stateDirectory.resolve("geneve-mac." + options.vni())).readOrMake(null);
        int baseMtuBytes = options.mtuBytes() > 0 ? options.mtuBytes() : uplink.mtuBytes();
        TunnelSpec.Link link = new TunnelSpec.Link(
                "geneve." + options.vni(),
                network,
                TunnelSpec.udp(local, options.port()),
                TunnelEndpoint.udp(options.port()),
                local,
                baseMtuBytes - OVERHEAD_BYTES - options.optionRoomBytes(),
                new GeneveEncapsulator(options.vni(), mac),
                lease -> peer(lease, options));
        JsonNode data =
                JsonNodeFactory.instance.objectNode().put("VNI", options.vni()).put("MAC", mac.toString());
        return new TunnelSpec(
                settings, config, uplink, LeaseAttributes.ofIpv4(publicIp, TYPE, data), false, List.of(link));
    }

    private static Optional<Peer> peer(Lease lease, BackendConfig.Geneve options) {
        Lease.Side side = lease.side(IpFamily.IPV4).orElse(null);
        JsonNode data = lease.attributes().backendData().get(IpFamily.IPV4).orElse(null);
        if (side == null || data == null || !lease.attributes().backendType().equals(TYPE)) {
            return Optional.empty();
        }
        try {
            MacAddress mac = MacAddress.parse(data.path("MAC").asText());
            return Optional.of(new Peer(side.subnet(), side.node(), options.port(), mac.bits()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}

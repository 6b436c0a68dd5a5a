package io.flannelj.backend.hostgw;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The {@code host-gw} backend: a route to each peer's subnet through the peer's own address. All nodes must share a
 * network segment.
 */
public final class HostGwProvider implements BackendProvider {
    static final String TYPE = "host-gw";

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException {
        List<Cidr> networks = PeerRoutes.networks(config.network(), config.ipv6Network());
        requireOwn("--public-ip", "node-public-ip", uplink.publicIp(), uplink.address(), uplink.name());
        requireOwn("--public-ipv6", "node-public-ipv6", uplink.publicIpv6(), uplink.ipv6Address(), uplink.name());
        return new PreparedBackend(
                new LeaseAttributes(uplink.address(), uplink.ipv6Address(), TYPE, null, null),
                List.of(uplink.name()),
                (own, onLost) ->
                        new HostGwBackend(NetlinkSocket.open(), PodDestinations.of(networks, own.subnets()), uplink));
    }

    private static void requireOwn(
            String flag, String annotation, @Nullable IpAddress told, @Nullable IpAddress own, String link)
            throws IOException {
        if (!Objects.equals(told, own)) {
            throw new IOException("host-gw routes through the nodes' own addresses, but the public address " + told
                    + " is not the address " + own + " of " + link + "; take away what sets it (" + flag
                    + ", or the node's annotation " + annotation + "), or choose another backend");
        }
    }
}

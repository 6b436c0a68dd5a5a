package io.flannelj.backend.hostgw;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.Objects;
import java.util.function.Consumer;

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
        Cidr network = Objects.requireNonNull(config.network(), "an IPv4 network");
        IpAddress address = Objects.requireNonNull(uplink.address(), "an IPv4 underlay");
        if (!Objects.equals(address, uplink.publicIp())) {
            throw new IOException(
                    "host-gw routes through the nodes' own addresses, but --public-ip " + uplink.publicIp()
                            + " is not the address " + address + " of " + uplink.name()
                            + "; leave --public-ip away or choose another backend");
        }
        return new Prepared() {
            @Override
            public LeaseAttributes attributes() {
                return LeaseAttributes.ofIpv4(address, TYPE, null);
            }

            @Override
            public Backend start(Lease own, Consumer<String> onLost) throws IOException {
                return new HostGwBackend(NetlinkSocket.open(), network, uplink);
            }
        };
    }
}

package io.flannelj.backend.hostgw;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Prepared;
import io.flannelj.backend.PreparedBackend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.UplinkOptions;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.List;

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
        for (IpFamily family : config.families()) {
            requireOwn(uplink, family);
        }
        return new PreparedBackend(
                new LeaseAttributes(uplink.addresses(), TYPE),
                List.of(uplink.name()),
                (own, onLost) -> new HostGwBackend(
                        NetlinkSocket.open(), PodDestinations.of(config.networks(), own.subnets()), uplink));
    }

    private static void requireOwn(Uplink uplink, IpFamily family) throws IOException {
        IpAddress told = uplink.publicIps().require(family);
        IpAddress own = uplink.addresses().require(family);
        if (!told.equals(own)) {
            String flag = UplinkOptions.publicIpFlag(family);
            throw new IOException("host-gw routes through the nodes' own addresses, but the public address " + told
                    + " is not the address " + own + " of " + uplink.name() + "; take away what sets it (" + flag
                    + ", or the node's annotation " + flag.replace("--", "node-") + "), or choose another backend");
        }
    }
}

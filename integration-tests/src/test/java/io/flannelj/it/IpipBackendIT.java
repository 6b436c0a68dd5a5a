package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.ipip.IpipProvider;
import io.flannelj.config.TunnelSettings;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpAddress;
import java.time.Duration;

@NeedsPrivileges
class IpipBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new IpipProvider(new TunnelSettings("/dev/net/tun", Duration.ZERO, 1, false, true));
    }

    @Override
    LeaseAttributes peer(int node, IpAddress publicIp) {
        return LeaseAttributes.ofIpv4(publicIp, "ipip", null);
    }
}

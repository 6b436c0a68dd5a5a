package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.hostgw.HostGwProvider;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpAddress;

@NeedsPrivileges
class HostGwBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new HostGwProvider();
    }

    @Override
    LeaseAttributes peer(int node, IpAddress publicIp) {
        return LeaseAttributes.ofIpv4(publicIp, "host-gw", null);
    }
}

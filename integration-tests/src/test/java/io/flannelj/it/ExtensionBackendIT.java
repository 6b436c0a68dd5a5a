package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.extension.ExtensionProvider;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpAddress;

/** With commands that do what host-gw does. */
@NeedsPrivileges
class ExtensionBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new ExtensionProvider();
    }

    @Override
    String moreOptions() {
        return ",\"SubnetAddCommand\":\"ip route replace $SUBNET via ${PUBLIC_IP}\""
                + ",\"SubnetRemoveCommand\":\"ip route del $SUBNET via $PUBLIC_IP\"";
    }

    @Override
    LeaseAttributes peer(int node, IpAddress publicIp) {
        return LeaseAttributes.ofIpv4(publicIp, "extension", null);
    }
}

package io.flannelj.it;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.vxlan.VxlanProvider;
import io.flannelj.config.TunnelSettings;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpAddress;
import java.time.Duration;

@NeedsPrivileges
class VxlanBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new VxlanProvider(
                new TunnelSettings("/dev/net/tun", Duration.ZERO, 1, false, true), state, null, () -> null);
    }

    @Override
    LeaseAttributes peer(int node, IpAddress publicIp) {
        return LeaseAttributes.ofIpv4(
                publicIp,
                "vxlan",
                JsonNodeFactory.instance.objectNode().put("VNI", 1).put("VtepMAC", "02:00:00:00:00:0" + node));
    }
}

package io.flannelj.it;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.geneve.GeneveProvider;
import io.flannelj.config.TunnelSettings;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpAddress;
import java.time.Duration;

@NeedsPrivileges
class GeneveBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new GeneveProvider(new TunnelSettings("/dev/net/tun", Duration.ZERO, 1, false, true), state);
    }

    @Override
    LeaseAttributes peer(int node, IpAddress publicIp) {
        return LeaseAttributes.ofIpv4(
                publicIp,
                "geneve",
                JsonNodeFactory.instance.objectNode().put("VNI", 1).put("MAC", "02:00:00:00:00:0" + node));
    }
}

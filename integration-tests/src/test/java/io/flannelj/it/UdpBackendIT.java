package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.udp.UdpProvider;
import io.flannelj.config.TunnelSettings;
import java.time.Duration;

@NeedsPrivileges
class UdpBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new UdpProvider(new TunnelSettings("/dev/net/tun", Duration.ZERO, 1, false, true));
    }
}

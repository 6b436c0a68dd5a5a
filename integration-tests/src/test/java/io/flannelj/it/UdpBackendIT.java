package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.Tunnel;
import io.flannelj.backend.udp.UdpProvider;
import java.time.Duration;

@NeedsPrivileges
class UdpBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new UdpProvider(new Tunnel.Settings("/dev/net/tun", Duration.ZERO, 1, false, true));
    }
}

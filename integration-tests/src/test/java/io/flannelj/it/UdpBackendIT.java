package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.udp.UdpProvider;

@NeedsPrivileges
class UdpBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new UdpProvider("/dev/net/tun");
    }
}

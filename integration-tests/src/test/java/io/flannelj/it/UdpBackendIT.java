package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.udp.UdpProvider;
import java.util.List;

@NeedsPrivileges
class UdpBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new UdpProvider("/dev/net/tun");
    }

    @Override
    String config() {
        return "{\"Type\":\"udp\"}";
    }

    @Override
    String[] peerData(int node) {
        return new String[] {"", ""};
    }

    @Override
    List<String> reached(Backend backend) {
        return datapathPeers(backend);
    }
}

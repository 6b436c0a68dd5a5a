package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.vxlan.VxlanProvider;
import java.util.List;

@NeedsPrivileges
class VxlanBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new VxlanProvider("/dev/net/tun", state);
    }

    @Override
    String config() {
        return "{\"Type\":\"vxlan\"}";
    }

    @Override
    String[] peerData(int node) {
        return new String[] {"vxlan", "{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:0" + node + "\"}"};
    }

    @Override
    List<String> reached(Backend backend) {
        return datapathPeers(backend);
    }
}

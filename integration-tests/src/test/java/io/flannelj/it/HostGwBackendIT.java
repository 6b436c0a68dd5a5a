package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.hostgw.HostGwProvider;
import java.util.List;

@NeedsPrivileges
class HostGwBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new HostGwProvider();
    }

    @Override
    String config() {
        return "{\"Type\":\"host-gw\"}";
    }

    @Override
    String[] peerData(int node) {
        return new String[] {"host-gw", ""};
    }

    @Override
    List<String> reached(Backend backend) {
        return kernelRoutes();
    }
}

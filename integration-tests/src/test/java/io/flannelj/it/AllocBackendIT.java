package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.alloc.AllocProvider;
import java.util.List;

@NeedsPrivileges
class AllocBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new AllocProvider();
    }

    @Override
    String config() {
        return "{\"Type\":\"alloc\"}";
    }

    @Override
    String[] peerData(int node) {
        return new String[] {"", ""};
    }

    @Override
    List<String> reached(Backend backend) {
        return List.of();
    }
}

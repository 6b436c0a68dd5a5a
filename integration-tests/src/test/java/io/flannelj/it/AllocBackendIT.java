package io.flannelj.it;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.alloc.AllocProvider;

@NeedsPrivileges
class AllocBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new AllocProvider();
    }

    @Override
    boolean reachesPeers() {
        return false;
    }
}

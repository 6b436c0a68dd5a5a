package io.flannelj.it;

@NeedsPrivileges
class KernelVxlanBackendIT extends VxlanBackendIT {
    @Override
    String moreOptions() {
        return ",\"Datapath\":\"kernel\"";
    }
}

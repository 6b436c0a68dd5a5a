package io.flannelj.it;

/** The probe for the kernel's VXLAN must leave nothing behind. */
@NeedsPrivileges
class AutoVxlanBackendIT extends VxlanBackendIT {
    @Override
    String moreOptions() {
        return ",\"Datapath\":\"auto\"";
    }
}

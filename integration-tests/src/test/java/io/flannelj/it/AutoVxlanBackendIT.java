package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/** The probe for the kernel's VXLAN must leave nothing behind. */
@NeedsPrivileges
class AutoVxlanBackendIT extends VxlanBackendIT {
    @Override
    String moreOptions() {
        return ",\"Datapath\":\"auto\"";
    }

    /** Every kernel that these tests run on has VXLAN, which auto prefers. */
    @Test
    void theKernelsIsTaken() throws IOException {
        started(backend ->
                assertThat(backend.datapaths()).as("data paths of ours").isEmpty());
    }
}

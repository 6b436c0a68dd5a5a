package io.flannelj.backend.vxlan;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.netlink.VxlanLink;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KernelVtepTest {
    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final VxlanLink WANTED =
            VxlanLink.plain("flannel.1", 1, 7, IpAddress.parse("192.0.2.1"), 8472, 1450, MAC);

    private static VxlanLink present(int vni, int lower, @Nullable String local, int port, int mtu) {
        return new VxlanLink(
                "flannel.1",
                vni,
                lower,
                local == null ? null : IpAddress.parse(local),
                port,
                mtu,
                MacAddress.parse("02:00:00:00:00:09"),
                false,
                false,
                false);
    }

    @Test
    void whatCanBeChangedInPlaceOrIsNotToldIsReused() {
        assertThat(KernelVtep.difference(present(1, 7, "192.0.2.1", 8472, 9000), WANTED))
                .isEmpty();
        assertThat(KernelVtep.difference(present(1, 0, null, 0, 1450), WANTED)).isEmpty();
    }

    @Test
    void whatCannotBeChangedMakesANewDevice() {
        assertThat(KernelVtep.difference(present(2, 7, "192.0.2.1", 8472, 1450), WANTED))
                .contains("VNI");
        assertThat(KernelVtep.difference(present(1, 8, "192.0.2.1", 8472, 1450), WANTED))
                .contains("interface");
        assertThat(KernelVtep.difference(present(1, 7, "192.0.2.2", 8472, 1450), WANTED))
                .contains("192.0.2.2");
        assertThat(KernelVtep.difference(present(1, 7, "192.0.2.1", 4789, 1450), WANTED))
                .contains("port");
        VxlanLink gbp = new VxlanLink("flannel.1", 1, 7, WANTED.local(), 8472, 1450, MAC, false, true, false);
        VxlanLink learning = new VxlanLink("flannel.1", 1, 7, WANTED.local(), 8472, 1450, MAC, true, false, false);
        VxlanLink group = new VxlanLink("flannel.1", 1, 7, WANTED.local(), 8472, 1450, MAC, false, false, true);
        assertThat(KernelVtep.difference(gbp, WANTED)).contains("GBP");
        assertThat(KernelVtep.difference(learning, WANTED)).contains("learning");
        assertThat(KernelVtep.difference(group, WANTED)).contains("group");
    }
}

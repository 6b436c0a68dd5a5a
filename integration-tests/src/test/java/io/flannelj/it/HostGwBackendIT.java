package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.hostgw.HostGwProvider;
import io.flannelj.lab.Commands;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

@NeedsPrivileges
class HostGwBackendIT extends BackendContract {
    @Override
    BackendProvider provider() {
        return new HostGwProvider();
    }

    @Override
    LeaseAttributes peer(int node, IpAddress publicIp) {
        return LeaseAttributes.ofIpv4(publicIp, "host-gw", null);
    }

    @Test
    void removesWhatAnEarlierLifeLeft() throws IOException {
        started(backend -> {
            Commands.require("ip", "route", "add", "10.5.88.0/24", "via", "192.168.100.88", "dev", "up0");
            Commands.require("ip", "route", "add", "10.6.88.0/24", "via", "192.168.100.88", "dev", "up0");
            Commands.require("ip", "route", "add", "10.5.2.0/24", "via", "192.168.100.88", "dev", "up0");

            backend.apply(List.of(lease(2, 2)));

            assertThat(Commands.require("ip", "route"))
                    .contains("10.5.2.0/24 via 192.168.100.2 ")
                    .contains("10.6.88.0/24 via 192.168.100.88")
                    .doesNotContain("10.5.88.0/24");
            Commands.require("ip", "route", "del", "10.5.2.0/24");
            Commands.require("ip", "route", "del", "10.6.88.0/24");
            backend.apply(List.of(lease(2, 2)));
            assertThat(Commands.require("ip", "route")).contains("10.5.2.0/24 via 192.168.100.2 ");
        });
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Commands;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** With plain routes beside the tunnel. */
@NeedsPrivileges
class DirectVxlanBackendIT extends VxlanBackendIT {
    @Override
    String moreOptions() {
        return ",\"DirectRouting\":true";
    }

    @Test
    void neighboursArePlainlyRoutedUntilTheFence() throws IOException {
        started(backend -> {
            backend.apply(List.of(lease(2, 2)));
            String routes = Commands.require("ip", "route");
            backend.fence();
            String fenced = Commands.require("ip", "route");
            backend.apply(List.of(lease(2, 2)));

            assertThat(routes).contains("10.5.2.0/24 via 192.168.100.2 dev up0");
            assertThat(fenced).doesNotContain("10.5.2.0/24").contains("10.5.0.0/16 dev flannel.1");
            assertThat(Commands.require("ip", "route")).isEqualTo(routes);
        });
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** {@code flanneld-j leases} against a real etcd and real daemons. */
@NeedsPrivileges
class LeasesCommandIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Lab lab;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    private Commands.Result leases(String... arguments) {
        return lab.node(1)
                .operatorAtStore(
                        Stream.concat(Stream.of("leases"), Stream.of(arguments)).toArray(String[]::new));
    }

    @Test
    void aReservedSubnetIsTheNodesAndStaysItsOwn() throws IOException {
        lab = Lab.open(2, Lab.Underlay.ON).configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        Node first = lab.node(1);
        leases("reserve", "10.5.77.0/24", "--public-ip", first.address()).orThrow();
        first.start();
        lab.node(2).start();
        assertThat(first.status().path("subnet").asText()).isEqualTo("10.5.77.0/24");

        JsonNode list = JSON.readTree(leases("list", "-o", "json").orThrow());
        assertThat(list.path("leases")).hasSize(2);
        for (JsonNode lease : list.path("leases")) {
            boolean reserved = lease.path("subnet").asText().equals("10.5.77.0/24");
            assertThat(lease.path("reservation").asBoolean()).isEqualTo(reserved);
            assertThat(lease.path("secondsLeft").asLong(-1))
                    .isBetween(reserved ? -1L : 86_000L, reserved ? -1L : 86_400L);
        }
        assertThat(list.path("pool").path("free").asInt())
                .isEqualTo(list.path("pool").path("size").asInt() - 2);

        Commands.Result taken = leases("reserve", "10.5.77.0/24", "--public-ip", "192.168.100.99");
        assertThat(taken.exitStatus()).isEqualTo(1);
        assertThat(taken.errors()).contains(first.address(), "release it first");

        first.stop();
        assertThat(leases("list").orThrow()).contains("10.5.77.0/24", "never: reserved");
        assertThat(leases("release", "10.5.77.0/24").orThrow()).contains("released 10.5.77.0/24 of " + first.address());
        assertThat(leases("list").orThrow()).doesNotContain("10.5.77.0/24");
    }
}

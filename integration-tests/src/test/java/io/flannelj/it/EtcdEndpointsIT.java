package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real etcd, named in every form that flannel takes. */
@NeedsPrivileges
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EtcdEndpointsIT {
    private Lab lab;

    @BeforeAll
    void build() {
        lab = Lab.open(1, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}");
    }

    @AfterAll
    void tearDown() {
        lab.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://[fd00:64::fe]:2379",
                "[fd00:64::fe]:2379",
                "http://192.168.100.254:2379/",
                "192.168.100.254",
                "http://[fd00:64::dead]:2379/,http://[fd00:64::fe]:2379,http://192.168.100.254:2379"
            })
    void theDaemonIsReady(String endpoints) {
        Node node = lab.reachEtcdBy(endpoints).node(1);
        node.startDaemon();
        try {
            node.awaitReady();
            assertThat(node.status().path("store").path("reachable").asBoolean())
                    .isTrue();
            assertThat(node.operatorAtStore("leases", "list").orThrow()).contains(node.address());
        } finally {
            node.stop();
        }
    }

    @Test
    void aPasswordInTheUrlIsShownNowhere() {
        Node node = lab.reachEtcdBy("http://root:secret@192.168.100.254:2379")
                .node(1)
                .start();
        assertThat(node.log()
                        + node.status()
                        + node.metrics()
                        + node.readyz()
                        + node.operator("status").output())
                .contains("192.168.100.254")
                .doesNotContain("secret");
        node.stop();
        Node wrong =
                lab.reachEtcdBy("http://root:secret@192.168.100.254:237999").addNode();
        wrong.startDaemon();
        assertThat(wrong.awaitExit()).isEqualTo(2);
        assertThat(wrong.log())
                .contains("--etcd-endpoints: \"http://192.168.100.254:237999\" must have a port from 1 to 65535")
                .doesNotContain("secret", "Exception");
    }
}

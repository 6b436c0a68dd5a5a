package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.time.Duration;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever may write leases writes one that this network does not speak: nothing is opened for it, and it is shown with the reason. */
@NeedsPrivileges
class ForeignLeaseIT {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final String FORGED = "10.5.77.0-24";

    private Lab lab;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"vxlan", "udp", "host-gw"})
    void aLeaseOfAnotherTypeOpensNothing(String type) {
        lab = Lab.open(2, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"SubnetMin\":\"10.5.100.0\",\"Backend\":{\"Type\":\"" + type
                        + "\"}}")
                .start();
        Node node = lab.node(1);
        Pod here = node.addPod();
        Pod there = lab.node(2).addPod();
        String sockets = sockets(node);
        String routes = routes(node);

        String attack = "{\"PublicIP\":\"192.168.100.77\",\"BackendType\":\"geneve\","
                + "\"BackendData\":{\"VNI\":1,\"MAC\":\"02:00:00:00:00:77\"}}";
        lab.etcd().put(Lab.PREFIX + "/subnets/" + FORGED, attack);
        awaitObjection(node, "is of type \"geneve\"");
        assertUntouched(node, sockets, routes);

        if (!type.equals("udp")) {
            lab.etcd().put(Lab.PREFIX + "/subnets/" + FORGED, "{\"PublicIP\":\"192.168.100.77\"}");
            awaitObjection(node, "names no type");
            assertUntouched(node, sockets, routes);
        }

        lab.etcd()
                .put(Lab.PREFIX + "/subnets/" + "10.5.78.0-24", "{\"PublicIP\":\"192.168.100.78\",\"BackendType\":{}}");
        Wait.until(node::log, SOON, () -> node.log().contains("10.5.78.0-24"));
        assertUntouched(node, sockets, routes);
        assertThat(here.canPing(there)).isTrue();
        assertThat(node.operator("peers").output()).contains("cannot be used: this node carries " + type);
        assertThat(node.operator("status").output())
                .contains("of them not reached: see flanneld-j peers", "refused      1 lease: see flanneld-j peers");
        assertThat(node.log()
                        .lines()
                        .filter(line -> line.contains("nothing is sent to 10.5.77.0/24: ") && line.contains("geneve")))
                .as("log lines about the lease of geneve")
                .hasSize(1);
    }

    private static void awaitObjection(Node node, String text) {
        Wait.until(
                node::log,
                SOON,
                () -> StreamSupport.stream(node.peers().spliterator(), false)
                        .filter(peer -> peer.path("subnet").asText().equals("10.5.77.0/24"))
                        .map((JsonNode peer) -> peer.path("problem").asText())
                        .anyMatch(reason -> reason.contains(text)));
    }

    private static void assertUntouched(Node node, String sockets, String routes) {
        assertThat(sockets(node)).isEqualTo(sockets);
        assertThat(routes(node)).isEqualTo(routes);
        assertThat(node.metrics()).contains("flannelj_encapsulation_changed 1.0");
        assertThat(node.status().path("state").asText()).isEqualTo("ready");
    }

    private static String sockets(Node node) {
        return node.run("ss", "-Hulnp").output().replaceAll("(?m) +", " ");
    }

    private static String routes(Node node) {
        return node.run("ip", "route").output();
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.lab.Commands;
import io.flannelj.lab.Node;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code flanneld-j ping}: what the probes of both nodes say of the path between them. */
@NeedsPrivileges
class PingCommandIT extends ExplainCases {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void aHealthyPathIsMeasuredBothWays() {
        Node node = cluster().node(1);
        String other = cluster().node(2).address();
        String pod = cluster().there().containerId();
        for (String target : List.of(other, cluster().there().address(), pod)) {
            Commands.Result said = node.operator("ping", target);
            assertThat(said.exitStatus()).as(said.output() + said.errors()).isZero();
            assertThat(said.output())
                    .startsWith(other + ", ")
                    .contains("there  flannel.1: 4 of 4 answered, round trip ", "\nback   flannel.1: 4 of 4 answered")
                    .contains("size: 1450 bytes pass, of 1450; runs of datagrams: arrive")
                    .endsWith("packets pass as they should\n");
        }
        JsonNode json = json(node.operator("ping", other, "-o", "json"));
        assertThat(json.path("outcome").asText()).isEqualTo("healthy");
        assertThat(json.path("there").path(0).path("roundTripMillis").path(0).asDouble())
                .isBetween(0.001, 2000.0);
        assertThat(json.path("back").path(0).path("mtuBytes").asInt()).isEqualTo(1450);
    }

    @Test
    void aNarrowDirectionIsToldApartFromTheOther() {
        Node node = cluster().node(1);
        cluster()
                .seedBetween(
                        "add table bridge narrow ; add chain bridge narrow f { type filter hook forward priority 0 ; } ;"
                                + " add rule bridge narrow f ether type ip ip saddr "
                                + cluster().node(2).address() + " ip length > 1380 udp dport 8472 drop");
        Commands.Result said = node.operator("ping", cluster().node(2).address());
        assertThat(said.exitStatus()).as(said.output()).isIn(5, 11);
        List<String> lines = said.output().lines().toList();
        assertThat(lines.get(2)).contains("1450 bytes pass, of 1450");
        assertThat(lines.get(4)).contains("1330 bytes pass, of 1450");
        assertThat(said.output())
                .contains("remedy, on " + cluster().node(2).address() + ":  ip link set dev eth0 mtu 1380");
    }

    @Test
    void aSilentNodeIsNamedWithWhatFindsOutMore() {
        Node node = cluster().node(1);
        cluster().seed(2, "iptables -I INPUT -p udp --dport 8472 -j DROP");
        Commands.Result said = node.operator("ping", cluster().node(2).address());
        assertThat(said.exitStatus()).as(said.output()).isEqualTo(11);
        assertThat(said.output())
                .contains("0 of 3 answered", "back   not known: no answer from TCP port 8470 of 10.5.")
                .contains("\nremedy:  flanneld-j explain")
                .contains("flanneld-j explain " + node.address() + " "
                        + cluster().node(2).address());
    }

    @Test
    void nobodyIsPingedWhoIsNoOtherNode() {
        Node node = cluster().node(1);
        for (String target : List.of(node.address(), "192.0.2.1", "nobody")) {
            Commands.Result said = node.operator("ping", target);
            assertThat(said.exitStatus()).as(said.output()).isEqualTo(1);
            assertThat(said.errors()).contains("ping: " + target + " is no other node");
        }
    }

    private static JsonNode json(Commands.Result result) {
        try {
            return JSON.readTree(result.output());
        } catch (JsonProcessingException e) {
            throw new AssertionError(result.output() + result.errors(), e);
        }
    }
}

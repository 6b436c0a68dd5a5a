package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a killed daemon left for another network, and what the next run makes of it. */
@NeedsPrivileges
class FormerRunIT {
    private static final Duration SOON = Duration.ofSeconds(30);

    private Lab lab;
    private Node node;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    /** The host must look as after a first start with the second config; jumps of a chain may come in another order. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    5 | 46 | {"Type":"vxlan","Datapath":"kernel"}                      | 9 | 46 | {"Type":"vxlan","Datapath":"kernel","VNI":2}
                    5 | 46 | {"Type":"vxlan","Datapath":"kernel"}                      | 9 | 4  | {"Type":"vxlan","Datapath":"kernel"}
                    5 | 46 | {"Type":"vxlan","Datapath":"kernel"}                      | 9 | 46 | {"Type":"vxlan","VNI":2}
                    5 | 4  | {"Type":"vxlan","Datapath":"kernel","DirectRouting":true} | 5 | 4  | {"Type":"udp"}
                    5 | 46 | {"Type":"host-gw"}                                        | 9 | 46 | {"Type":"host-gw"}
                    5 | 4  | {"Type":"host-gw"}                                        | 5 | 4  | {"Type":"alloc"}
                    5 | 46 | {"Type":"vxlan","DirectRouting":true}                     | 9 | 4  | {"Type":"geneve"}
                    5 | 4  | {"Type":"ipip","DirectRouting":true}                      | 9 | 4  | {"Type":"ipip"}
                    5 | 4  | {"Type":"geneve"}                                         | 9 | 4  | {"Type":"udp"}
                    5 | 4  | {"Type":"udp"}                                            | 9 | 46 | {"Type":"vxlan","Datapath":"kernel"}
                    """)
    void nothingOfTheFormerRunIsLeft(
            int network, String families, String backend, int nextNetwork, String nextFamilies, String nextBackend) {
        lab = Lab.open(1, Lab.Underlay.ON);
        node = lab.node(1);
        ForeignThings.make(node);
        String empty = node.snapshot();
        configure(nextNetwork, nextFamilies, nextBackend);
        start();
        String wanted = node.snapshot();
        assertThat(node.stop()).isZero();
        assertThat(node.snapshot()).isEqualTo(empty);

        configure(network, families, backend);
        start("--ip-blackhole-route");
        assertThat(node.snapshot()).contains("blackhole 10." + network + ".64.0/24");
        node.kill();
        configure(nextNetwork, nextFamilies, nextBackend);
        start();

        Awaitility.await()
                .atMost(SOON)
                .untilAsserted(() -> assertThat(node.snapshot().lines())
                        .as(node.log())
                        .containsExactlyInAnyOrderElementsOf(wanted.lines().toList()));
        assertThat(node.stop()).isZero();
        assertThat(node.snapshot().lines())
                .containsExactlyElementsOf(empty.lines().toList());
    }

    /** Starts it with nothing written down of leases, and waits until the other node is reached. */
    private void start(String... flags) {
        node.directory().resolve("state/leases.json").toFile().delete();
        node.start(flags);
        node.awaitPeers(1);
    }

    /** A pod network with another node in it. */
    private void configure(int network, String families, String backend) {
        boolean dual = families.equals("46");
        String type = backend.replaceAll(".*\"Type\":\"([^\"]+).*", "$1");
        String data = "{\"VNI\":%d,\"VtepMAC\":\"66:00:00:00:00:02\",\"MAC\":\"66:00:00:00:00:02\"}"
                .formatted(backend.contains("\"VNI\":2") ? 2 : 1);
        lab.configure("""
                {"Network":"10.%1$d.0.0/16","SubnetMin":"10.%1$d.64.0","SubnetMax":"10.%1$d.64.0","EnableIPv6":%2$b,
                "IPv6Network":"fd00:%1$d::/48","IPv6SubnetMin":"fd00:%1$d:0:64::","IPv6SubnetMax":"fd00:%1$d:0:64::",
                "Backend":%3$s}
                """.formatted(network, dual, backend));
        lab.etcd()
                .put(
                        Lab.PREFIX + "/subnets/10." + network + ".77.0-24"
                                + (dual ? "&fd00:" + network + ":0:77::-64" : ""),
                        "{\"PublicIP\":\"192.168.100.2\""
                                + (dual ? ",\"PublicIPv6\":\"fd00:64::2\",\"BackendV6Data\":" + data : "")
                                + ",\"BackendType\":\"" + type + "\",\"BackendData\":" + data + "}");
    }
}

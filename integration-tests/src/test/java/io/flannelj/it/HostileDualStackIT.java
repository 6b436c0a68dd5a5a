package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pings;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Leases whose IPv6 half alone is wrong. Each stands beside one of the same form that is good, and that the node uses: what is
 * refused would have had an effect.
 */
@NeedsPrivileges
class HostileDualStackIT {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String MAC = "c6:d2:32:6f:8f:44";
    private static final String IPV6_MAC = "c6:d2:32:6f:8f:66";
    private static final String ADDRESS = "192.168.100.9";
    private static final String IPV6_ADDRESS = "fd00:64::9";

    private static String lease(String publicIpv6, String ipv6Data) {
        return "{\"PublicIP\":\"" + ADDRESS + "\",\"PublicIPv6\":" + publicIpv6 + ",\"BackendType\":\"vxlan\","
                + "\"BackendData\":" + data("1", '"' + MAC + '"') + ",\"BackendV6Data\":" + ipv6Data + "}";
    }

    private static String data(String vni, String mac) {
        return "{\"VNI\":" + vni + ",\"VtepMAC\":" + mac + "}";
    }

    private static String key(int subnet) {
        return key(subnet, "64");
    }

    private static String key(int subnet, String length) {
        return "10.5." + subnet + ".0-24&fd00:5:0:" + Integer.toHexString(subnet) + "::-" + length;
    }

    /** By key: the value, and what the refusal says. */
    private static Map<String, String[]> attacks(Node attacked) {
        Map<String, String[]> attacks = new LinkedHashMap<>();
        String good = data("1", '"' + IPV6_MAC + '"');
        String address = '"' + IPV6_ADDRESS + '"';
        int subnet = 200;
        for (String mac : new String[] {
            "\"01:00:5e:00:00:05\"",
            "\"33:33:00:00:00:01\"",
            "\"ff:ff:ff:ff:ff:ff\"",
            "\"00:00:00:00:00:00\"",
            "\"c6:d2\"",
            "7",
            "null",
            "[]",
            "{}"
        }) {
            attacks.put(key(subnet++), new String[] {lease(address, data("1", mac)), "BackendV6Data.VtepMAC is "});
        }
        for (String vni : new String[] {"16777216", "-1", "\"1\"", "1.0", "null", "true", "[1]", "{}", "7"}) {
            attacks.put(key(subnet++), new String[] {
                lease(address, data(vni, '"' + IPV6_MAC + '"')), "BackendV6Data.VNI is "
            });
        }
        for (String noObject : new String[] {"7", "true", "[1]", "{\"Decodes\":[]}", "{\"Decodes\":{\"geneve\":7}}"}) {
            attacks.put(key(subnet++), new String[] {lease(address, noObject), "no data of a backend"});
        }
        attacks.put(key(subnet++), new String[] {lease(address, "{}"), "BackendV6Data.VtepMAC is missing"});
        attacks.put(key(subnet++), new String[] {lease(address, "\"text\""), "BackendV6Data.VtepMAC is missing"});
        attacks.put(key(subnet++), new String[] {
            lease(
                    address,
                    "{\"VNI\":1,\"VtepMAC\":\"" + IPV6_MAC
                            + "\",\"Decodes\":{\"geneve\":{\"VNI\":1,\"MAC\":\"01:00:5e:00:00:01\"}}}"),
            "BackendV6Data.Decodes.geneve.MAC is "
        });
        for (String publicIpv6 : new String[] {
            "\"::1\"",
            "\"ff02::1\"",
            "\"fe80::9\"",
            "\"::ffff:192.168.100.9\"",
            "\"fd00:5:0:9::1\"",
            '"' + attacked.ipv6Address() + '"',
            "null"
        }) {
            attacks.put(key(subnet++), new String[] {lease(publicIpv6, good), "PublicIPv6"});
        }
        attacks.put(key(subnet++), new String[] {lease("7", good), "PublicIPv6 is no text"});
        attacks.put(
                key(subnet++, "72"), new String[] {lease(address, good), "is no /64, which IPv6SubnetLen asks for"});
        attacks.put(
                "10.5." + subnet + ".0-24&2001:db8::-64",
                new String[] {lease(address, good), "is not inside the network fd00:5::/48"});
        return attacks;
    }

    private static Map<String, String> problems(Node node) {
        Map<String, String> problems = new TreeMap<>();
        for (JsonNode peer : node.peers()) {
            if (peer.hasNonNull("problem")) {
                problems.put(peer.path("subnet").asText(), peer.path("problem").asText());
            }
        }
        return problems;
    }

    @ParameterizedTest
    @ValueSource(strings = {"userspace", "kernel"})
    void noIpv6HalfOfALeasePointsWhereNoneMay(String datapath) {
        try (Lab lab = Lab.open(2, Lab.Underlay.ON)) {
            lab.configure("{\"Network\":\"10.5.0.0/16\",\"SubnetMax\":\"10.5.179.0\",\"EnableIPv6\":true,"
                    + "\"IPv6Network\":\"fd00:5::/48\",\"IPv6SubnetMax\":\"fd00:5:0:bf::\","
                    + "\"Backend\":{\"Type\":\"vxlan\",\"Datapath\":\"" + datapath + "\"}}");
            lab.start();
            Node attacked = lab.node(1);
            Pod pod = attacked.addPod();
            Pod otherPod = lab.node(2).addPod();
            assertThat(pod.canPing(otherPod.ipv6Address())).isTrue();
            lab.etcd().put(path(key(180)), lease('"' + IPV6_ADDRESS + '"', data("1", '"' + IPV6_MAC + '"')));
            attacked.awaitPeers(2);
            assertThat(problems(attacked)).as("with a good lease").isEmpty();
            if (datapath.equals("kernel")) {
                Wait.until(attacked::log, SOON, () -> Destinations.of(attacked).contains(IPV6_MAC));
                assertThat(Destinations.of(attacked)).contains("fd00:5:0:b4::/64", IPV6_ADDRESS);
            }
            String before = Destinations.of(attacked);
            Pings pings = Pings.start(pod, otherPod);

            Map<String, String[]> attacks = attacks(attacked);
            attacks.forEach((key, attack) -> lab.etcd().put(path(key), attack[0]));
            Wait.until(attacked::log, SOON, () -> problems(attacked).size() == attacks.size());

            Map<String, String> problems = problems(attacked);
            attacks.forEach((key, attack) -> assertThat(problems.entrySet())
                    .as(key + " " + attack[0])
                    .anyMatch(problem ->
                            isOf(key, problem.getKey()) && problem.getValue().contains(attack[1])));
            assertThat(attacked.status().path("refusedLeases").asInt()).isEqualTo(attacks.size());
            assertThat(attacked.status().path("peers").asInt()).isEqualTo(2);
            assertThat(Destinations.of(attacked)).isEqualTo(before);
            assertThat(attacked.operator("peers").output())
                    .contains("is no /64, which IPv6SubnetLen asks for", "BackendV6Data.VNI is \"1\"");
            Pings.Outcome outcome = pings.stop();
            assertThat(outcome.sent()).isPositive();
            assertThat(outcome.lost()).isZero();
            assertThat(pod.canPing(otherPod.ipv6Address())).isTrue();
        }
    }

    private static boolean isOf(String key, String shown) {
        return shown.endsWith(key) || shown.startsWith(key.substring(0, key.indexOf('-')) + "/");
    }

    private static String path(String key) {
        return Lab.PREFIX + "/subnets/" + key;
    }
}

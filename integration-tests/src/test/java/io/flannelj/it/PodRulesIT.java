package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.CniCall;
import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Host ports outlive what others do to the packet filter, as a reload of firewalld, and go with their pod all the same. */
@NeedsPrivileges
class PodRulesIT {
    private static final Duration LATE = Duration.ofSeconds(60);

    @ParameterizedTest
    @CsvSource({
        "iptables, iptables -t nat -F && iptables -t nat -X && iptables -t raw -F",
        "iptables, iptables -t nat -F PREROUTING",
        "nftables, nft flush ruleset",
        "nftables, nft flush chain bridge flannelj_pods guard"
    })
    void hostPortsComeBackAfterAFlush(String backend, String flush) throws IOException {
        try (Lab lab = Lab.open(2, Lab.Underlay.ON)
                .configure("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")) {
            Node node = lab.node(1).start("--iptables-resync", "1");
            Node outside = lab.node(2);
            CniCall cni = new CniCall(node);
            Pod pod = node.addUnwiredPod();
            String network = cni.configuration(
                    "1.0.0",
                    ",\"ipMasqBackend\":\"" + backend + "\",\"macspoofchk\":true,\"runtimeConfig\":{\"portMappings\":"
                            + "[{\"hostPort\":8080,\"containerPort\":5201,\"protocol\":\"tcp\"}]}");
            Map<String, String> add = CniCall.variables("ADD", pod.containerId(), pod.netns());
            Map<String, String> delete = CniCall.variables("DEL", pod.containerId(), pod.netns());
            cni.call(add, network).orThrow();
            node.startIn(pod, "iperf3", "-s");
            String[] client = {"iperf3", "-c", node.address(), "-p", "8080", "-n", "10K", "--connect-timeout", "2000"};
            Wait.until(
                    "the port leads to the pod", LATE, () -> outside.run(client).succeeded());
            String rules = rules(node);

            node.run("sh", "-c", flush).orThrow();
            Wait.until(node::log, LATE, () -> node.log().contains("restored those of 1"));
            Wait.until("the rules are as before", LATE, () -> rules(node).equals(rules));
            assertThat(outside.run(client).output()).contains("receiver");

            cni.call(delete, network).orThrow();
            node.run("sh", "-c", "nft flush ruleset").orThrow();
            Wait.until(
                    node::log, LATE, () -> node.log().contains("firewall rules had been changed by another program"));
            assertThat(rules(node)).isEmpty();
            assertThat(node.stop()).isZero();
        }
    }

    /** The pods' rules alone, sorted: their order among others' may change. */
    private static String rules(Node node) {
        Stream<String> iptables = node.run("iptables-save")
                .output()
                .lines()
                .filter(line -> line.startsWith("-A") && line.contains("CNI-"));
        Stream<String> nft = node.run("nft", "list", "table", "inet", "flannelj_pods")
                .output()
                .lines();
        Stream<String> guard = node.run("nft", "list", "table", "bridge", "flannelj_pods")
                .output()
                .lines();
        return Stream.concat(iptables, Stream.concat(nft, guard).filter(line -> line.contains("comment")))
                .sorted()
                .collect(Collectors.joining("\n"));
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Wait;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A network config that is written anew while daemons run, or between two starts of them. */
@NeedsPrivileges
class ConfigChangeIT {
    private static final Duration SOON = Duration.ofSeconds(20);

    private Lab lab;

    @AfterEach
    void tearDown() {
        lab.close();
    }

    private static String config(String more) {
        return "{\"Network\":\"10.5.0.0/16\"," + more + "\"Backend\":{\"Type\":\"host-gw\"}}";
    }

    @Test
    void aChangedPoolIsTakenUpAndABrokenDocumentIsNot() {
        lab = Lab.open(2, Lab.Underlay.ON).configure(config(""));
        Node node = lab.node(1).start();
        assertThat(metric(node, "flannelj_pool_size")).isEqualTo(255);
        assertThat(metric(node, "flannelj_pool_free")).isEqualTo(254);

        lab.configure(config("\"SubnetMin\":\"10.5.252.0\",\"SubnetMax\":\"10.5.255.0\","));
        Wait.until(node::log, SOON, () -> node.log().contains("the network config was changed; each node leases"));
        Wait.until(node::metrics, SOON, () -> metric(node, "flannelj_pool_size") == 4);
        lab.node(2).start();
        assertThat(lab.node(2).status().path("subnet").asText()).startsWith("10.5.25");

        lab.configure(config("\"SubnetLen\":99,"));
        Wait.until(node::readyz, SOON, () -> node.log().contains("going on with the one before"));
        assertThat(node.log()).contains("SubnetLen");
        node.awaitReady();
        node.awaitPeers(1);

        lab.configure(config("\"SubnetMin\":\"10.5.252.0\",\"SubnetMax\":\"10.5.255.0\","));
        Wait.until(node::readyz, SOON, () -> !node.status().toString().contains("going on with the one before"));
    }

    private static double metric(Node node, String name) {
        return node.metrics()
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElse(Double.NaN);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bugRulesOfTheOtherFlavourGoWhenAStartFindsThem(boolean nftablesFirst) {
        lab = Lab.open(1, Lab.Underlay.ON).configure(config("\"EnableNFTables\":" + nftablesFirst + ","));
        Node node = lab.node(1).start();
        assertThat(rules(node, nftablesFirst)).containsIgnoringCase("flannel");
        node.kill();

        lab.configure(config("\"EnableNFTables\":" + !nftablesFirst + ","));
        node.start();
        assertThat(rules(node, !nftablesFirst)).containsIgnoringCase("flannel");
        assertThat(rules(node, nftablesFirst)).doesNotContainIgnoringCase("flannel");
    }

    /** With iptables-nft both flavours are in the kernel's nftables; each program shows its own. */
    private static String rules(Node node, boolean nftables) {
        return nftables
                ? node.run("nft", "list", "tables").output()
                : node.run("iptables-save").output();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void rulesOfAFamilyThatTheNetworkHasNoMoreGoAtTheNextStart(boolean nftables) {
        String flavour = "\"EnableNFTables\":" + nftables + ",";
        lab = Lab.open(1, Lab.Underlay.ON)
                .configure(config(flavour + "\"EnableIPv6\":true,\"IPv6Network\":\"fd00:5::/48\","));
        Node node = lab.node(1).start();
        assertThat(ipv6Rules(node, nftables)).containsIgnoringCase("flannel");
        node.kill();

        lab.configure(config(flavour));
        node.start();
        assertThat(ipv6Rules(node, nftables)).doesNotContainIgnoringCase("flannel");
        assertThat(rules(node, nftables)).containsIgnoringCase("flannel");
    }

    private static String ipv6Rules(Node node, boolean nftables) {
        return nftables
                ? node.run("nft", "list", "tables", "ip6").output()
                : node.run("ip6tables-save").output();
    }
}

package io.flannelj.cni.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the firewall programs are fed. */
class PodRulesTest {
    private static final List<Cidr> POD = List.of(Cidr.parse("10.5.1.7/24"));

    private static BridgeConf conf() throws CniException {
        return BridgeConf.parse(
                Json.object(
                        "{'bridge':'br0','ipMasq':true,'runtimeConfig':{'portMappings':[{'hostPort':8080,'containerPort':80},"
                                        .replace('\'', '"')
                                + "{'hostPort':53,'containerPort':54,'protocol':'udp','hostIP':'192.168.0.1'}]}}"
                                        .replace('\'', '"'),
                        "conf"),
                "");
    }

    @Test
    void iptables() throws Exception {
        assertThat(new IptablesRules("abc").script(conf(), POD, IpFamily.IPV4).lines())
                .containsExactly(
                        "*nat",
                        ":CNI-MQ-abc - [0:0]",
                        "-A CNI-MQ-abc -d 10.5.1.0/24 -j ACCEPT",
                        "-A CNI-MQ-abc ! -d 224.0.0.0/4 -j MASQUERADE",
                        "-A POSTROUTING -s 10.5.1.7/32 -j CNI-MQ-abc",
                        ":CNI-DN-abc - [0:0]",
                        ":CNI-SN-abc - [0:0]",
                        "-A CNI-DN-abc -p tcp --dport 8080 -j DNAT --to-destination 10.5.1.7:80",
                        "-A CNI-DN-abc -p udp -d 192.168.0.1 --dport 53 -j DNAT --to-destination 10.5.1.7:54",
                        "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-DN-abc",
                        "-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-DN-abc",
                        "-A CNI-SN-abc -s 10.5.1.0/24 -j MASQUERADE",
                        "-A CNI-SN-abc -s 127.0.0.0/8 -j MASQUERADE",
                        "-I POSTROUTING -d 10.5.1.7/32 -m conntrack --ctstate DNAT -j CNI-SN-abc",
                        "COMMIT",
                        "*raw",
                        "-A PREROUTING -i br0 -d 127.0.0.0/8 -m comment --comment CNI-DN-abc -j DROP",
                        "COMMIT");
    }

    @Test
    void nftablesMarksEveryRule() throws Exception {
        List<String> lines = new NftRules("inet", "abc").script(conf(), POD);

        assertThat(lines)
                .contains("add rule inet flannelj_pods prerouting meta nfproto ipv4 fib daddr type local tcp dport 8080"
                        + " dnat ip to 10.5.1.7:80 comment \"abc\"")
                .contains("add rule inet flannelj_pods postrouting ip saddr 10.5.1.7 ip daddr != { 10.5.1.0/24,"
                        + " 224.0.0.0/4 } masquerade comment \"abc\"");
        assertThat(lines.stream().filter(line -> line.startsWith("add rule")))
                .allMatch(line -> line.endsWith("comment \"abc\""));
    }
}

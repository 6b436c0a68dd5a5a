package io.flannelj.firewall;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.net.Cidr;
import org.junit.jupiter.api.Test;

class ForwardingCheckTest {
    private static final Cidr NETWORK = Cidr.parse("10.5.0.0/16");
    private static final String DOCKERS = """
            table ip filter {
            	chain FORWARD {
            		type filter hook forward priority filter; policy drop;
            	}
            }
            table ip flannel-ipv4 {
            	chain forward {
            		type filter hook forward priority filter; policy accept;
            	}
            }
            """;

    @Test
    void aTableThatDropsIsAnObstacleUnlessOurRulesAreInIt() {
        assertThat(ForwardingCheck.dropping(DOCKERS, true)).containsExactly("ip filter");
        assertThat(ForwardingCheck.dropping(DOCKERS, false)).isEmpty();
        assertThat(ForwardingCheck.dropping("", true)).isEmpty();
    }

    @Test
    void aRuleThatDropsAllIsAnObstacleInFrontOfOursOnly() {
        String ours = "-A FORWARD -m comment --comment \"flanneld forward\" -j FLANNEL-FWD\n";
        String theirs = "-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n";

        assertThat(ForwardingCheck.inIptables(theirs + ours, "FLANNEL-FWD")).hasSize(1);
        assertThat(ForwardingCheck.inIptables(ours + theirs, "FLANNEL-FWD")).isEmpty();
        assertThat(ForwardingCheck.inIptables("-A FORWARD -i eth9 -j DROP\n" + ours, "FLANNEL-FWD"))
                .isEmpty();
    }

    @Test
    void aPolicyOfIptablesLegacyIsAnObstacle() {
        assertThat(ForwardingCheck.inLegacy("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", NETWORK))
                .hasSize(1);
        assertThat(ForwardingCheck.inLegacy("*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n", NETWORK))
                .isEmpty();
    }
}

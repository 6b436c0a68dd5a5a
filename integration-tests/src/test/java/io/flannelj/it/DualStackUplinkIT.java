package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.backend.Uplink;
import io.flannelj.backend.UplinkFinder;
import io.flannelj.cli.CommandLine;
import io.flannelj.cli.Invocation;
import io.flannelj.config.DaemonOptions;
import io.flannelj.lab.Commands;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which addresses a node with both families uses, in a namespace with two interfaces. */
@NeedsPrivileges
class DualStackUplinkIT {
    private static final Set<IpFamily> BOTH = EnumSet.allOf(IpFamily.class);

    private static Uplink find(Set<IpFamily> families, String... flags) throws IOException {
        return NetnsThread.callInNew(() -> {
            for (String command : new String[] {
                "link add up0 type bridge",
                "link add up1 type bridge",
                "addr add 192.0.2.1/24 dev up0",
                "addr add 2001:db8::1/64 dev up0 nodad",
                "addr add 2001:db8::2/64 dev up0 nodad",
                "addr add 198.51.100.1/24 dev up1",
                "link set up0 up",
                "link set up1 up",
                "route add default via 192.0.2.254",
                "-6 route add default via 2001:db8::fe dev up0"
            }) {
                Commands.require(("ip " + command).split(" "));
            }
            StringWriter told = new StringWriter();
            PrintWriter out = new PrintWriter(told);
            Invocation invocation = new CommandLine(Map.of(), out, out, "").read(flags);
            DaemonOptions options = ((Invocation.RunDaemon) invocation).options();
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                return new UplinkFinder(netlink).find(options.uplink(), families);
            }
        });
    }

    @Test
    void oneInterfaceGivesBothFamilies() throws IOException {
        Uplink uplink = find(BOTH);

        assertThat(uplink.name()).isEqualTo("up0");
        assertThat(uplink.addresses().toString()).isIn("192.0.2.1,2001:db8::1", "192.0.2.1,2001:db8::2");
        assertThat(uplink.publicIps()).isEqualTo(uplink.addresses());
    }

    @Test
    void thePublicAddressChoosesAmongTheInterfacesOwn() throws IOException {
        assertThat(find(BOTH, "--public-ipv6", "2001:db8::1").addresses()).hasToString("192.0.2.1,2001:db8::1");
        assertThat(find(BOTH, "--public-ipv6", "2001:db8::2").addresses()).hasToString("192.0.2.1,2001:db8::2");
        assertThat(find(BOTH, "--public-ipv6", "2001:db8:77::1").publicIps()).hasToString("192.0.2.1,2001:db8:77::1");
    }

    @Test
    void ipv6AloneFollowsItsOwnDefaultRoute() throws IOException {
        Uplink uplink = find(Set.of(IpFamily.IPV6));

        assertThat(uplink.name()).isEqualTo("up0");
        assertThat(uplink.addresses().families()).containsExactly(IpFamily.IPV6);
        assertThat(uplink.publicIps().families()).containsExactly(IpFamily.IPV6);
    }

    @Test
    void anInterfaceWithLinkLocalIpv6OnlyIsRefusedByName() {
        assertThatThrownBy(() -> find(BOTH, "--iface", "up1"))
                .hasMessageContaining("up1 has no IPv6 address")
                .hasMessageContaining("EnableIPv6");
    }

    @Test
    void withoutIpv6InTheNetworkNothingIsSaidOfIt() throws IOException {
        Uplink uplink = find(Set.of(IpFamily.IPV4));

        assertThat(uplink.addresses()).hasToString("192.0.2.1");
        assertThat(uplink.publicIps()).hasToString("192.0.2.1");
    }
}

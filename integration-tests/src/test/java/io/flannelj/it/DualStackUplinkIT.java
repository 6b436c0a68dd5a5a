package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.backend.Uplink;
import io.flannelj.backend.UplinkFinder;
import io.flannelj.cli.CommandLine;
import io.flannelj.cli.Invocation;
import io.flannelj.config.DaemonOptions;
import io.flannelj.lab.Commands;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which addresses a node with both families uses, in a namespace with two interfaces. */
@NeedsPrivileges
class DualStackUplinkIT {
    private static Uplink find(boolean ipv4, boolean ipv6, String... flags) throws IOException {
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
                return new UplinkFinder(netlink).find(options.uplink(), ipv4, ipv6);
            }
        });
    }

    @Test
    void oneInterfaceGivesBothFamilies() throws IOException {
        Uplink uplink = find(true, true);

        assertThat(uplink.name()).isEqualTo("up0");
        assertThat(uplink.address()).isEqualTo(IpAddress.parse("192.0.2.1"));
        assertThat(uplink.ipv6Address()).isIn(IpAddress.parse("2001:db8::1"), IpAddress.parse("2001:db8::2"));
        assertThat(uplink.publicIpv6()).isEqualTo(uplink.ipv6Address());
    }

    @Test
    void thePublicAddressChoosesAmongTheInterfacesOwn() throws IOException {
        assertThat(find(true, true, "--public-ipv6", "2001:db8::1").ipv6Address())
                .isEqualTo(IpAddress.parse("2001:db8::1"));
        assertThat(find(true, true, "--public-ipv6", "2001:db8::2").ipv6Address())
                .isEqualTo(IpAddress.parse("2001:db8::2"));
        assertThat(find(true, true, "--public-ipv6", "2001:db8:77::1").publicIpv6())
                .isEqualTo(IpAddress.parse("2001:db8:77::1"));
    }

    @Test
    void ipv6AloneFollowsItsOwnDefaultRoute() throws IOException {
        Uplink uplink = find(false, true);

        assertThat(uplink.name()).isEqualTo("up0");
        assertThat(uplink.address()).isNull();
        assertThat(uplink.publicIp()).isNull();
        assertThat(uplink.ipv6Address()).isNotNull();
    }

    @Test
    void anInterfaceWithLinkLocalIpv6OnlyIsRefusedByName() {
        assertThatThrownBy(() -> find(true, true, "--iface", "up1"))
                .hasMessageContaining("up1 has no IPv6 address")
                .hasMessageContaining("EnableIPv6");
    }

    @Test
    void withoutIpv6InTheNetworkNothingIsSaidOfIt() throws IOException {
        Uplink uplink = find(true, false);

        assertThat(uplink.ipv6Address()).isNull();
        assertThat(uplink.publicIpv6()).isNull();
    }
}

package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.backend.Uplink;
import io.flannelj.backend.UplinkFinder;
import io.flannelj.cli.CommandLine;
import io.flannelj.cli.Invocation;
import io.flannelj.lab.Commands;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** flannel's ways to choose an interface, on a host with three of which one has no address. */
@NeedsPrivileges
class UplinkFinderIT {
    private static Uplink find(String flags) throws IOException {
        return find(flags, "ip route add default via 192.168.100.254");
    }

    private static Uplink find(String flags, String... commands) throws IOException {
        return find(flags, PerFamily.none(), commands);
    }

    private static Uplink find(String flags, PerFamily<IpAddress> overwrites, String... commands) throws IOException {
        return NetnsThread.callInNew(() -> {
            for (String command : new String[] {
                "ip link set lo up",
                "ip link add up0 type bridge",
                "ip addr add 192.168.100.1/24 dev up0",
                "ip link set up0 up",
                "ip link add up1 type bridge",
                "ip addr add 169.254.7.7/16 dev up1",
                "ip addr add 10.20.0.1/24 dev up1",
                "ip addr add 10.20.0.9/24 dev up1",
                "ip link set up1 up",
                "ip link add up2 type bridge",
                "ip link set up2 up",
                "ip link property add dev up1 altname a-name-longer-than-fifteen"
            }) {
                Commands.require(command.split(" "));
            }
            for (String command : commands) {
                Commands.require(command.split(" "));
            }
            PrintWriter nowhere = new PrintWriter(new StringWriter());
            Invocation read = new CommandLine(Map.of(), nowhere, nowhere, "")
                    .read(flags.isEmpty() ? new String[0] : flags.split(" "));
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                return new UplinkFinder(netlink)
                        .find(((Invocation.RunDaemon) read).options().uplink(), overwrites, Set.of(IpFamily.IPV4));
            }
        });
    }

    @ParameterizedTest
    @CsvSource({
        "'', up0, 192.168.100.1, 192.168.100.1",
        "--iface up1, up1, 10.20.0.1, 10.20.0.1",
        "--iface 10.20.0.9, up1, 10.20.0.9, 10.20.0.9",
        "--iface a-name-longer-than-fifteen, up1, 10.20.0.1, 10.20.0.1",
        "--iface no-such-name-of-an-interface --iface up1, up1, 10.20.0.1, 10.20.0.1",
        "--iface 2001:db8:1111:2222:3333:4444:5555:6666 --iface up1, up1, 10.20.0.1, 10.20.0.1",
        "--iface nope --iface up1 --iface up0, up1, 10.20.0.1, 10.20.0.1",
        "--iface-regex ^10[.]20, up1, 10.20.0.1, 10.20.0.1",
        "--iface-regex p1$, up1, 10.20.0.1, 10.20.0.1",
        "--iface-regex nope --iface-regex up0, up0, 192.168.100.1, 192.168.100.1",
        "--iface nope --iface-regex ^up1 --iface-can-reach 192.168.100.7, up1, 10.20.0.1, 10.20.0.1",
        "--iface-can-reach 10.20.0.77, up1, 10.20.0.1, 10.20.0.1",
        "--public-ip 10.20.0.1, up1, 10.20.0.1, 10.20.0.1",
        "--iface up0 --public-ip 203.0.113.5, up0, 192.168.100.1, 203.0.113.5"
    })
    void theInterfaceIsTheOneThatFlannelTakes(String flags, String name, String address, String publicIp)
            throws IOException {
        Uplink uplink = find(flags);
        assertThat(uplink.name()).isEqualTo(name);
        assertThat(uplink.addresses()).hasToString(address);
        assertThat(uplink.publicIps()).hasToString(publicIp);
        assertThat(uplink.mtuBytes()).isEqualTo(1500);
    }

    /** An address that only the store tells the peers: it chooses no interface, but tunnels end there where it is ours. */
    @ParameterizedTest
    @CsvSource({
        "'', 10.20.0.9, 192.168.100.1, 10.20.0.9",
        "'', 203.0.113.5, 192.168.100.1, 192.168.100.1",
        "--public-ip 10.20.0.1, 192.168.100.1, 10.20.0.1, 192.168.100.1",
        "--iface up0 --public-ip 10.20.0.1, 203.0.113.5, 10.20.0.1, 10.20.0.1"
    })
    void anOverwriteMovesTheTunnelAlone(String flags, String overwrite, String publicIp, String tunnel)
            throws IOException {
        Uplink uplink = find(
                flags,
                PerFamily.of(IpFamily.IPV4, IpAddress.parse(overwrite)),
                "ip route add default via 192.168.100.254");
        assertThat(uplink.publicIps()).hasToString(publicIp);
        assertThat(uplink.knownAs()).hasToString(overwrite);
        assertThat(uplink.tunnelAddresses()).hasToString(tunnel);
        assertThat(uplink.name()).isEqualTo(find(flags).name());
    }

    @ParameterizedTest
    @CsvSource({
        "up0, ip route add default nexthop via 192.168.100.254 weight 1 nexthop via 10.20.0.254 weight 1",
        "up1, ip route add default nexthop dev up2 nexthop via 10.20.0.254",
        "up1, ip route add default via 10.20.0.254 metric 50; ip route add default via 192.168.100.254 metric 100",
        "up0, ip route add unreachable default metric 1; ip route add default via 192.168.100.254 metric 100",
        "up0, ip route add blackhole default metric 1; ip route add default via 192.168.100.254 metric 100",
        "up0, ip route add prohibit default metric 1; ip route add default via 192.168.100.254 metric 100",
        "up0, ip route add default dev up2; ip route add default via 192.168.100.254 metric 100"
    })
    void theBestDefaultRouteThatCanBeUsedCounts(String name, String commands) throws IOException {
        assertThat(find("", commands.split("; ")).name()).isEqualTo(name);
    }

    @Test
    void withoutAUsableDefaultRouteTheErrorListsTheInterfaces() {
        assertThatThrownBy(() -> find("", "ip route add unreachable default"))
                .hasMessageContaining("the default route")
                .hasMessageContaining("up1 10.20.0.1/24")
                .hasMessageContaining("--iface");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--iface up2", "--iface nope", "--iface-regex ^eth", "--public-ip 203.0.113.5"})
    void whereNothingFitsTheErrorSaysWhatWasTriedAndWhatThereIs(String flags) {
        assertThatThrownBy(() -> find(flags))
                .hasMessageContaining(flags)
                .hasMessageContaining("up1 10.20.0.1/24")
                .hasMessageContaining("--iface");
    }
}

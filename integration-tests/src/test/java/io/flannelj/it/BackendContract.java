package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.backend.Backend;
import io.flannelj.backend.BackendContext;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendRegistry;
import io.flannelj.backend.Backends;
import io.flannelj.backend.Prepared;
import io.flannelj.backend.Uplink;
import io.flannelj.cleanup.HostInventory;
import io.flannelj.cleanup.Leaving;
import io.flannelj.config.ConfigException;
import io.flannelj.config.Instance;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lab.Commands;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every backend must do to a host and leave of it, in a namespace with an uplink and nothing else. */
abstract class BackendContract {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path state;

    /** The backend under test. */
    abstract BackendProvider provider();

    /** What the lease of another node says. */
    LeaseAttributes peer(int node, IpAddress publicIp) {
        return LeaseAttributes.ofIpv4(publicIp, "", null);
    }

    /** Options of the backend, as JSON after its type. */
    String moreOptions() {
        return "";
    }

    /** Whether it brings traffic to peers by itself. */
    boolean reachesPeers() {
        return true;
    }

    /** Subnets that can be reached now, as data path or kernel know them. */
    private static List<String> reached(Backend backend) {
        if (!backend.datapaths().isEmpty()) {
            return backend.datapaths().get(0).peers().stream()
                    .map(peer -> peer.subnet().toString())
                    .sorted()
                    .toList();
        }
        return Commands.require("ip", "-4", "route", "show")
                .lines()
                .filter(line -> line.startsWith("10.5.") && line.contains(" via "))
                .map(line -> line.substring(0, line.indexOf(' ')))
                .sorted()
                .toList();
    }

    interface Body {
        void run(Backend backend) throws Exception;
    }

    void started(Body body) throws IOException {
        NetnsThread.callInNew(() -> {
            Commands.require("ip", "link", "set", "lo", "up");
            Commands.require("ip", "link", "add", "up0", "type", "bridge");
            Commands.require("ip", "address", "add", "192.168.100.1/24", "dev", "up0");
            Commands.require("ip", "link", "set", "up0", "up");
            String before = host();
            Prepared prepared = prepare();
            try (Backend backend = start(prepared)) {
                body.run(backend);
            }
            removeWhatIsOurs(prepared, "up0", Cidr.parse("10.5.0.0/16"));
            assertThat(host()).as("the host afterwards").isEqualTo(before);
            return true;
        });
    }

    /** As the daemon does at a stop. */
    static void removeWhatIsOurs(Prepared prepared, String uplink, Cidr network) throws IOException {
        List<String> devices = prepared.routedLinks().stream()
                .filter(link -> !link.equals(uplink))
                .toList();
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            HostInventory.claim(netlink, Instance.ONLY, devices);
            for (Leaving leaving :
                    HostInventory.find(netlink, Instance.ONLY, List.of(network)).leavings(netlink)) {
                leaving.remove();
            }
        }
    }

    private Prepared prepare() throws IOException, ConfigException {
        BackendProvider provider = provider();
        NetworkConfig network = NetworkConfig.parse("{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\""
                + provider.type() + "\"" + moreOptions() + "}}");
        IpAddress address = IpAddress.parse("192.168.100.1");
        String link = Commands.require("ip", "-o", "link", "show", "up0");
        int index = Integer.parseInt(link.substring(0, link.indexOf(':')));
        Uplink uplink = new Uplink("up0", index, 1500, PerFamily.of(IpFamily.IPV4, address));
        return provider.prepare(network, uplink);
    }

    private Backend start(Prepared prepared) throws IOException {
        return Backends.start(
                prepared,
                new Lease(subnet(1), prepared.attributes(), null),
                new BackendContext(new BackendRegistry(List.of(provider())), Clock.systemUTC(), state, Runnable::run),
                lost -> {});
    }

    private static String host() {
        return Stream.of("ip -o link", "ip -o -4 address", "ip -4 route show table all", "ip rule")
                .map(command -> Commands.require(command.split(" ")))
                .map(text -> text.replaceAll("(?m)^\\d+: ", "").replaceAll("\\s+", " "))
                .collect(Collectors.joining("\n"));
    }

    private static PodSubnets subnet(int node) {
        return PodSubnets.of(Cidr.parse("10.5." + node + ".0/24"));
    }

    Lease lease(int node, int address) {
        return new Lease(subnet(node), peer(node, IpAddress.parse("192.168.100." + address)), null);
    }

    @Test
    void addsKeepsAndRemovesPeers() throws IOException {
        started(backend -> {
            backend.apply(List.of(lease(2, 2), lease(3, 3)));
            List<String> two = reached(backend);
            backend.apply(List.of(lease(2, 2), lease(3, 3)));
            assertThat(reached(backend)).as("the same again").isEqualTo(two);

            backend.apply(List.of(lease(3, 33), lease(4, 4)));
            List<String> changed = reached(backend);
            backend.apply(List.of());

            boolean reaches = reachesPeers();
            assertThat(two).isEqualTo(reaches ? List.of("10.5.2.0/24", "10.5.3.0/24") : List.of());
            assertThat(changed).isEqualTo(reaches ? List.of("10.5.3.0/24", "10.5.4.0/24") : List.of());
            assertThat(reached(backend)).isEmpty();
        });
    }

    @Test
    void strangersAreLeftAlone() throws IOException {
        started(backend -> {
            Lease unreadable = new Lease(
                    subnet(9),
                    LeaseAttributes.ofIpv4(
                            IpAddress.parse("192.168.100.9"), "from-the-future", JSON.readTree("{\"x\":[1]}")),
                    null);
            backend.apply(List.of(unreadable));
            backend.apply(List.of(unreadable, lease(2, 2)));
            List<String> reached = reached(backend);
            assertThat(reached).isSubsetOf("10.5.2.0/24", "10.5.9.0/24");
            if (reachesPeers()) {
                assertThat(Stream.concat(
                                reached.stream(),
                                backend.unreachable().keySet().stream().map(Object::toString)))
                        .as("each is reached, or named as out of reach")
                        .containsExactlyInAnyOrder("10.5.2.0/24", "10.5.9.0/24");
            }
        });
    }

    /** The last check: even what nobody should have let through changes nothing. */
    @Test
    void nothingIsSentOutsideOfThePodNetworkWhoeverAsks() throws IOException {
        started(backend -> {
            backend.apply(List.of(lease(2, 2)));
            String before = forwarding();
            List<Lease> hostile = new ArrayList<>(List.of(lease(2, 2)));
            for (String subnet : List.of(
                    "0.0.0.0/0",
                    "127.0.0.0/8",
                    "8.8.8.0/24",
                    "10.4.0.0/15",
                    "10.5.0.0/16",
                    "192.168.100.0/24",
                    "192.168.100.254/31",
                    "10.5.1.0/24",
                    "10.5.1.2/31")) {
                LeaseAttributes stranger = peer(9, IpAddress.parse("192.168.100.9"));
                hostile.add(new Lease(PodSubnets.of(Cidr.parse(subnet)), stranger, null));
            }
            try {
                backend.apply(hostile);
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("refused to send");
            }
            assertThat(forwarding()).isEqualTo(before);
            assertThat(reached(backend)).isEqualTo(reachesPeers() ? List.of("10.5.2.0/24") : List.of());
        });
    }

    private static String forwarding() {
        return Stream.of("ip -4 route show table all", "bridge fdb show", "ip neigh show nud permanent")
                .map(command -> Commands.require(command.split(" ")))
                .collect(Collectors.joining("\n"));
    }

    @Test
    void tellsAnMtuThatFits() throws IOException {
        started(backend -> assertThat(backend.podMtuBytes()).isBetween(1400, 1500));
    }

    @Test
    void closesWithPeersInForce() throws IOException {
        started(backend -> backend.apply(List.of(lease(2, 2), lease(3, 3)))); // started() compares the host
    }

    @Test
    void followsAThousandChanges() throws IOException {
        started(backend -> {
            for (int i = 0; i < 1000; i++) {
                backend.apply(i % 2 == 0 ? List.of(lease(2, 2)) : List.of(lease(2, 3), lease(3, 2)));
            }
            assertThat(reached(backend)).isSubsetOf("10.5.2.0/24", "10.5.3.0/24");
        });
    }
}

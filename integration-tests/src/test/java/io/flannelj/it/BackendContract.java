package io.flannelj.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.BackendProvider.Backend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lab.Commands;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.nio.file.Path;
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

    /** Its object in the network config. */
    abstract String config();

    /** What a lease of another node says under {@code BackendType} and {@code BackendData}; both may be empty. */
    abstract String[] peerData(int node);

    /** Subnets that the backend can reach now, as kernel or data path know them. */
    abstract List<String> reached(Backend backend);

    /** What the host shows of tunnels: routes of the data path, or of the kernel. */
    static List<String> datapathPeers(Backend backend) {
        return backend.datapath().orElseThrow().peers().stream()
                .map(peer -> peer.subnet().toString())
                .sorted()
                .toList();
    }

    static List<String> kernelRoutes() {
        return Commands.require("ip", "route", "show", "dev", "up0")
                .lines()
                .filter(line -> line.contains(" via "))
                .map(line -> line.substring(0, line.indexOf(' ')))
                .sorted()
                .toList();
    }

    private interface Body {
        void run(Backend backend) throws Exception;
    }

    private void started(Body body) throws IOException {
        NetnsThread.callInNew(() -> {
            Commands.require("ip", "link", "set", "lo", "up");
            Commands.require("ip", "link", "add", "up0", "type", "bridge");
            Commands.require("ip", "address", "add", "192.168.100.1/24", "dev", "up0");
            Commands.require("ip", "link", "set", "up0", "up");
            String before = host();
            try (Backend backend = start()) {
                body.run(backend);
            }
            assertThat(host()).as("the host after close").isEqualTo(before);
            return true;
        });
    }

    private Backend start() throws IOException, ConfigException {
        NetworkConfig network = NetworkConfig.parse("{\"Network\":\"10.5.0.0/16\",\"Backend\":" + config() + "}");
        IpAddress address = IpAddress.parse("192.168.100.1");
        String link = Commands.require("ip", "-o", "link", "show", "up0");
        int index = Integer.parseInt(link.substring(0, link.indexOf(':')));
        Uplink uplink = new Uplink("up0", index, 1500, address, address, null, null);
        BackendProvider.Prepared prepared = provider().prepare(network, uplink);
        return prepared.start(new Lease(subnet(1), prepared.attributes(), null), lost -> {});
    }

    private static String host() {
        return Stream.of("ip -o link", "ip -o -4 address", "ip -4 route show table all", "ip rule")
                .map(command -> Commands.require(command.split(" ")))
                .map(text -> text.replaceAll("(?m)^\\d+: ", "").replaceAll("\\s+", " "))
                .collect(Collectors.joining("\n"));
    }

    private static PodSubnets subnet(int node) {
        return PodSubnets.ofIpv4(Cidr.parse("10.5." + node + ".0/24"));
    }

    private Lease peer(int node, int address) throws IOException {
        String[] data = peerData(node);
        return new Lease(
                subnet(node),
                LeaseAttributes.ofIpv4(
                        IpAddress.parse("192.168.100." + address),
                        data[0],
                        data[1].isEmpty() ? null : JSON.readTree(data[1])),
                null);
    }

    @Test
    void addsKeepsAndRemovesPeers() throws IOException {
        started(backend -> {
            backend.apply(List.of(peer(2, 2), peer(3, 3)));
            List<String> two = reached(backend);
            backend.apply(List.of(peer(2, 2), peer(3, 3)));
            assertThat(reached(backend)).as("the same again").isEqualTo(two);

            backend.apply(List.of(peer(3, 33), peer(4, 4)));
            List<String> changed = reached(backend);
            backend.apply(List.of());

            if (!two.isEmpty()) { // alloc reaches nobody
                assertThat(two).containsExactly("10.5.2.0/24", "10.5.3.0/24");
                assertThat(changed).containsExactly("10.5.3.0/24", "10.5.4.0/24");
            }
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
            backend.apply(List.of(unreadable, peer(2, 2)));
            assertThat(reached(backend)).isSubsetOf("10.5.2.0/24", "10.5.9.0/24");
        });
    }

    @Test
    void tellsAnMtuThatFits() throws IOException {
        started(backend -> assertThat(backend.podMtuBytes()).isBetween(1400, 1500));
    }

    @Test
    void closesWithPeersInForce() throws IOException {
        started(backend -> backend.apply(List.of(peer(2, 2), peer(3, 3)))); // started() compares the host
    }

    @Test
    void followsAThousandChanges() throws IOException {
        started(backend -> {
            for (int i = 0; i < 1000; i++) {
                backend.apply(i % 2 == 0 ? List.of(peer(2, 2)) : List.of(peer(2, 3), peer(3, 2)));
            }
            assertThat(reached(backend)).isSubsetOf("10.5.2.0/24", "10.5.3.0/24");
        });
    }
}

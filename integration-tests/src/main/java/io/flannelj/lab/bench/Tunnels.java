package io.flannelj.lab.bench;

import io.flannelj.lab.Commands;
import io.flannelj.lab.Lab;
import io.flannelj.lab.LabException;
import io.flannelj.lab.Node;
import io.flannelj.lab.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Userspace tunnels that join two nodes by a TUN or TAP device each; the pods' subnets are routed over it. Those that
 * can run without a cipher do.
 */
final class Tunnels {
    private static final int PORT = 7890;

    private Tunnels() {}

    static List<Contender> all() {
        return List.of(new WireguardGo(), new Nebula(), new Tinc(), new Fastd(), new OpenVpn());
    }

    /** Two daemons, one device on each node with 10.99.0.1 and 10.99.0.2. */
    private abstract static class Tunnel implements Contender {
        private final String name;
        private final Path program;
        private final String device;
        private final int mtuBytes;

        Tunnel(String name, Path program, String device, int mtuBytes) {
            this.name = name;
            this.program = program;
            this.device = device;
            this.mtuBytes = mtuBytes;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Optional<String> missing() {
            return Contender.needs(program);
        }

        /** Writes what the daemon of node 1 or 2 wants to read, and gives its command. */
        abstract List<String> prepare(Node node, int number, Node other) throws IOException;

        /** What is to be done once the device is there. */
        void configure(Lab lab) throws IOException {}

        /** Whether the daemon gives the device its address and sets it up. */
        boolean addressesItself() {
            return false;
        }

        String device(Node node) {
            return device;
        }

        String program() {
            return program.toString();
        }

        @Override
        public Rig build(Lab lab) {
            try {
                List<Long> daemons = new ArrayList<>();
                for (int i = 1; i <= 2; i++) {
                    Node node = lab.node(i);
                    Files.createDirectories(node.directory());
                    List<String> command = prepare(node, i, lab.node(3 - i));
                    Process daemon = node.start(log(node), command.toArray(String[]::new));
                    daemons.add(daemon.pid());
                }
                for (int i = 1; i <= 2; i++) {
                    up(lab.node(i), i);
                }
                configure(lab);
                return Rig.byHand(lab, mtuBytes, daemons).ready();
            } catch (IOException e) {
                throw new LabException(name + " cannot be set up: " + e.getMessage(), e);
            }
        }

        private Path log(Node node) {
            return node.directory().resolve(name + ".log");
        }

        private void up(Node node, int number) {
            String interfaceName = device(node);
            Wait.until(
                    name + " makes " + interfaceName + "; see " + log(node),
                    Duration.ofSeconds(20),
                    () -> node.run("ip", "link", "show", interfaceName).succeeded());
            if (!addressesItself()) {
                node.run("ip", "link", "set", interfaceName, "mtu", String.valueOf(mtuBytes), "up")
                        .orThrow();
                node.run("ip", "addr", "add", "10.99.0." + number + "/24", "dev", interfaceName)
                        .orThrow();
            }
            int other = 3 - number;
            Wait.until(
                    name + " is up",
                    Duration.ofSeconds(20),
                    () -> node.run(
                                    "ip",
                                    "route",
                                    "replace",
                                    "10.5." + other + ".0/24",
                                    "via",
                                    "10.99.0." + other,
                                    "dev",
                                    interfaceName,
                                    "onlink")
                            .succeeded());
        }
    }

    private static Path system(String program) {
        for (String directory : List.of("/usr/sbin", "/usr/bin", "/sbin", "/bin")) {
            Path path = Path.of(directory, program);
            if (Files.isExecutable(path)) {
                return path;
            }
        }
        return Path.of("/usr/sbin", program);
    }

    /** WireGuard in Go, encrypting, the fastest userspace tunnel we know. Configured through its own socket. */
    private static final class WireguardGo extends Tunnel {
        WireguardGo() {
            super("wireguard-go", Peers.program("wireguard-go"), "", 1420);
        }

        @Override
        String device(Node node) {
            return node.namespace(); // its control socket is named after it, for the whole machine
        }

        @Override
        List<String> prepare(Node node, int number, Node other) {
            return List.of(program(), "-f", device(node));
        }

        @Override
        void configure(Lab lab) throws IOException {
            WireguardKey[] keys = {WireguardKey.random(), WireguardKey.random()};
            for (int i = 0; i < 2; i++) {
                WireguardKey.configure(
                        device(lab.node(i + 1)),
                        "private_key=" + keys[i].privateHex() + "\nlisten_port=" + PORT + "\npublic_key="
                                + keys[1 - i].publicHex() + "\nendpoint="
                                + lab.node(2 - i).address() + ":" + PORT + "\nallowed_ip=0.0.0.0/0\n");
            }
        }
    }

    /** Slack's nebula, encrypting. */
    private static final class Nebula extends Tunnel {
        Nebula() {
            super("nebula", Peers.program("nebula"), "nebula1", 1300);
        }

        @Override
        boolean addressesItself() {
            return true;
        }

        @Override
        List<String> prepare(Node node, int number, Node other) throws IOException {
            Path shared = node.directory().resolveSibling("nebula");
            String cert = Peers.program("nebula-cert").toString();
            if (number == 1) {
                Files.createDirectories(shared);
                Commands.require(
                        cert, "ca", "-name", "bench", "-out-crt", shared + "/ca.crt", "-out-key", shared + "/ca.key");
            }
            String own = shared + "/n" + number;
            Commands.require(
                    cert,
                    "sign",
                    "-name",
                    "n" + number,
                    "-ip",
                    "10.99.0." + number + "/24",
                    "-subnets",
                    "10.5." + number + ".0/24",
                    "-ca-crt",
                    shared + "/ca.crt",
                    "-ca-key",
                    shared + "/ca.key",
                    "-out-crt",
                    own + ".crt",
                    "-out-key",
                    own + ".key");
            int peer = 3 - number;
            Path config = node.directory().resolve("nebula.yml");
            Files.writeString(config, """
                    pki: {ca: %s/ca.crt, cert: %s.crt, key: %s.key}
                    static_host_map: {"10.99.0.%d": ["%s:%d"]}
                    lighthouse: {am_lighthouse: false, hosts: []}
                    listen: {host: 0.0.0.0, port: %d}
                    tun:
                      dev: nebula1
                      mtu: 1300
                      unsafe_routes: [{route: 10.5.%d.0/24, via: 10.99.0.%d}]
                    firewall:
                      default_local_cidr_any: true
                      outbound: [{port: any, proto: any, host: any, local_cidr: 0.0.0.0/0}]
                      inbound: [{port: any, proto: any, host: any, local_cidr: 0.0.0.0/0}]
                    """.formatted(shared, own, own, peer, other.address(), PORT, PORT, peer, peer));
            return List.of(program(), "-config", config.toString());
        }
    }

    /** tinc 1.0 with neither cipher nor digest. */
    private static final class Tinc extends Tunnel {
        Tinc() {
            super("tinc", system("tincd"), "tinc0", 1450);
        }

        @Override
        List<String> prepare(Node node, int number, Node other) throws IOException {
            Path own = folder(node, number);
            if (number == 1) {
                folder(other, 2);
                // Each knows the other's key.
                Path theirs = other.directory().resolve("tinc");
                Files.copy(own.resolve("hosts/n1"), theirs.resolve("hosts/n1"));
                Files.copy(theirs.resolve("hosts/n2"), own.resolve("hosts/n2"));
            }
            return List.of(program(), "-D", "-c", own.toString(), "--pidfile=" + own + "/pid");
        }

        private Path folder(Node node, int number) throws IOException {
            Path folder = node.directory().resolve("tinc");
            if (Files.exists(folder)) {
                return folder;
            }
            Files.createDirectories(folder.resolve("hosts"));
            Files.writeString(
                    folder.resolve("tinc.conf"),
                    "Name=n" + number + "\nInterface=tinc0\nAddressFamily=ipv4\nPriorityInheritance=no\nConnectTo=n"
                            + (3 - number) + "\n");
            Files.writeString(
                    folder.resolve("hosts/n" + number),
                    "Address=" + node.address() + "\nPort=" + PORT + "\nSubnet=10.99.0." + number + "/32\nSubnet=10.5."
                            + number + ".0/24\nCipher=none\nDigest=none\nCompression=0\n");
            Commands.run(List.of(program(), "-c", folder.toString(), "-K2048"), "\n\n", java.util.Map.of())
                    .orThrow();
            return folder;
        }
    }

    /** fastd with its null method. */
    private static final class Fastd extends Tunnel {
        private final String[][] keys = new String[2][];

        Fastd() {
            super("fastd", system("fastd"), "fastd0", 1426);
        }

        @Override
        List<String> prepare(Node node, int number, Node other) throws IOException {
            for (int i = 0; i < 2 && number == 1; i++) {
                String made = Commands.require(program(), "--generate-key");
                String[] words = made.strip().split("\\s+", -1); // Secret: … Public: …
                keys[i] = new String[] {words[1], words[3]};
            }
            Path config = node.directory().resolve("fastd.conf");
            Files.writeString(config, """
                    method "null";
                    mode tun;
                    interface "fastd0";
                    mtu 1426;
                    bind %s:%d;
                    secret "%s";
                    peer "other" { key "%s"; remote %s:%d; }
                    """.formatted(
                            node.address(), PORT, keys[number - 1][0], keys[2 - number][1], other.address(), PORT));
            return List.of(program(), "-c", config.toString());
        }
    }

    /** OpenVPN from point to point, without keys. */
    private static final class OpenVpn extends Tunnel {
        OpenVpn() {
            super("openvpn", system("openvpn"), "ovpn0", 1450);
        }

        @Override
        List<String> prepare(Node node, int number, Node other) {
            return List.of(
                    program(),
                    "--dev",
                    "ovpn0",
                    "--dev-type",
                    "tun",
                    "--proto",
                    "udp",
                    "--local",
                    node.address(),
                    "--port",
                    String.valueOf(PORT),
                    "--remote",
                    other.address(),
                    String.valueOf(PORT),
                    "--tun-mtu",
                    "1450",
                    "--txqueuelen",
                    "1000",
                    "--verb",
                    "1");
        }
    }
}

package io.flannelj.lab;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Somebody in a network namespace who sends what he should not: as {@code nobody} without any capability, or with CAP_NET_RAW
 * and no other.
 */
public final class Attacker {
    private static final String REPEAT = "5";
    private static final String SEND = """
            use Socket;
            my ($times, $domain, $type, $protocol, $host, $port, $hex) = @ARGV;
            socket(my $s, $domain, $type, $protocol) or die "socket: $!";
            setsockopt($s, 0, 3, 1) if $type == 3 && $domain == AF_INET;
            my $to = $domain == AF_INET ? pack_sockaddr_in($port, inet_aton($host))
                : pack_sockaddr_in6($port, Socket::inet_pton(AF_INET6, $host));
            for (1 .. $times) { send($s, pack("H*", $hex), 0, $to) or warn "send: $!"; }
            """;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_RAW = 3;
    private static final int IPPROTO_RAW = 255;

    private final String namespace;

    private Attacker(String namespace) {
        this.namespace = namespace;
    }

    public static Attacker in(Pod pod) {
        return new Attacker(pod.namespace());
    }

    /** Somebody who may send as a node does. */
    public static Attacker in(Node node) {
        return new Attacker(node.namespace());
    }

    /** Somebody on the underlay who is no node. */
    public static Attacker on(Lab lab) {
        return new Attacker(lab.switchNamespace());
    }

    /** Sends a UDP payload five times without any privilege. */
    public void sendUdp(String destination, int port, byte[] payload) {
        run(
                List.of("--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all"),
                destination,
                SOCK_DGRAM,
                0,
                port,
                payload);
    }

    /** Sends a whole IP packet five times, its source address included, with CAP_NET_RAW. */
    public void sendRaw(String destination, byte[] packet) {
        run(
                List.of("--bounding-set", "-all,+net_raw", "--inh-caps", "-all,+net_raw"),
                destination,
                SOCK_RAW,
                IPPROTO_RAW,
                0,
                packet);
    }

    private void run(List<String> privileges, String destination, int type, int protocol, int port, byte[] data) {
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", namespace, "setpriv"));
        command.addAll(privileges);
        command.addAll(List.of(
                "perl",
                "-e",
                SEND,
                REPEAT,
                destination.contains(":") ? "10" : "2",
                String.valueOf(type),
                String.valueOf(protocol),
                destination,
                String.valueOf(port),
                HexFormat.of().formatHex(data)));
        // The kernel may refuse to send what a rule of this node drops; that is one way of being held.
        Commands.run(command, "", Map.of()).orThrow();
    }
}

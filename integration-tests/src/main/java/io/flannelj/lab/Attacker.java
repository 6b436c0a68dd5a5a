package io.flannelj.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Somebody in a network namespace who sends what he should not: without any capability, as {@code nobody} or, on a node, as
 * root; or with CAP_NET_RAW and no other.
 */
public final class Attacker {
    private static final String REPEAT = "5";
    private static final String SEND = """
            use Socket;
            my ($times, $domain, $type, $protocol, $host, $port, $hex, $segment) = @ARGV;
            socket(my $s, $domain, $type, $protocol) or die "socket: $!";
            setsockopt($s, SOL_SOCKET, SO_BROADCAST, 1);
            setsockopt($s, 17, 103, pack("i", $segment)) or die "UDP_SEGMENT: $!" if $segment;
            setsockopt($s, 0, 3, 1) if $type == 3 && $domain == AF_INET;
            my $to = $domain == AF_INET ? pack_sockaddr_in($port, inet_aton($host))
                : pack_sockaddr_in6($port, Socket::inet_pton(AF_INET6, $host));
            for (1 .. $times) { send($s, pack("H*", $hex), 0, $to) or warn "send: $!"; }
            """;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_RAW = 3;
    private static final int IPPROTO_RAW = 255;

    private static final List<String> NOBODY =
            List.of("--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all");

    /** Whom the rules of a node let send what the node itself sends. */
    private static final List<String> ROOT = List.of("--bounding-set", "-all");

    private final String namespace;
    private final List<String> who;

    private Attacker(String namespace, List<String> who) {
        this.namespace = namespace;
        this.who = who;
    }

    public static Attacker in(Pod pod) {
        return new Attacker(pod.namespace(), NOBODY);
    }

    /** Who has root on a node, and so sends as a peer does. */
    public static Attacker in(Node node) {
        return new Attacker(node.namespace(), ROOT);
    }

    /** A user of a node without root. */
    public static Attacker userOf(Node node) {
        return new Attacker(node.namespace(), NOBODY);
    }

    /** Somebody on the underlay who is no node. */
    public static Attacker on(Lab lab) {
        return new Attacker(lab.switchNamespace(), NOBODY);
    }

    /** Sends a UDP payload five times without any capability. */
    public void sendUdp(String destination, int port, byte[] payload) {
        run(who, destination, SOCK_DGRAM, 0, port, payload, 0);
    }

    /** The same with payloads of one length as one super-packet, which the kernel cuts when it leaves. */
    public void sendUdpAtOnce(String destination, int port, byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        run(who, destination, SOCK_DGRAM, 0, port, both, first.length);
    }

    /** Sends a whole IP packet five times, its source address included, with CAP_NET_RAW. */
    public void sendRaw(String destination, byte[] packet) {
        run(
                List.of("--bounding-set", "-all,+net_raw", "--inh-caps", "-all,+net_raw"),
                destination,
                SOCK_RAW,
                IPPROTO_RAW,
                0,
                packet,
                0);
    }

    private void run(
            List<String> privileges,
            String destination,
            int type,
            int protocol,
            int port,
            byte[] data,
            int segmentBytes) {
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
                HexFormat.of().formatHex(data),
                String.valueOf(segmentBytes)));
        // The kernel may refuse to send what a rule of this node drops; that is one way of being held.
        Commands.run(command, "", Map.of()).orThrow();
    }
}

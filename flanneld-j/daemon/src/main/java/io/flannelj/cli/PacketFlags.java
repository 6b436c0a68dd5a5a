package io.flannelj.cli;

import io.flannelj.explain.Explainer;
import io.flannelj.explain.Host;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PlainText;
import io.flannelj.observe.InnerPacket;
import io.flannelj.observe.Point;
import io.flannelj.observe.Selection;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which packets are meant, the same for every command that shows some. */
final class PacketFlags {
    private static final int LONGEST_LIST = 400;

    @Option(
            names = "--pod",
            paramLabel = "POD",
            description = "packets from and to this pod, by name or address; twice for packets between two")
    private List<String> pods = List.of();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    @Option(names = "--peer", paramLabel = "NODE", description = "packets to and from this other node, by its address")
    private String peer = "";

    @Option(names = "--port", paramLabel = "PORT", description = "packets with this TCP or UDP port at either end")
    private int port;

    @Option(names = "--proto", paramLabel = "tcp|udp|icmp", description = "packets of this protocol")
    private String protocol = "";

    @Option(names = "--dropped", description = "only packets that are dropped")
    private boolean dropped;

    boolean onlyDropped() {
        return dropped;
    }

    /** @throws ParameterException when a flag is not understood: before anything is looked at */
    void check() {
        if (port < 0 || port > 65_535) {
            throw mistake("--port must be 1 to 65535, was " + port);
        }
        if (pods.size() > 2) {
            throw mistake("--pod must be given at most twice, was given " + pods.size() + " times");
        }
        protocolNumber();
        node();
    }

    /**
     * What they select.
     *
     * @param remarks gets a line where no other node has the address that was given
     * @throws RefusedException when a pod is not known; names it
     * @throws ParameterException when a flag is not understood
     */
    Selection selection(Host host, Set<Point> points, Consumer<String> remarks) throws RefusedException {
        check();
        List<List<IpAddress>> ends = new ArrayList<>();
        for (String pod : pods) {
            List<IpAddress> addresses = new Explainer(host).resolve(pod);
            if (addresses.isEmpty()) {
                throw new RefusedException("--pod " + pod
                        + " is no address, and no pod that our CNI plugin wired here or on a node that answers; known here are: "
                        + list(host.podNames()));
            }
            ends.add(addresses);
        }
        String node = node();
        if (!node.isEmpty() && host.daemon() != null) {
            strange(node, host.daemon().nodes()).ifPresent(remarks);
        }
        return new Selection(
                dropped ? Set.of(Point.DROPPED) : points,
                ends.isEmpty() ? List.of() : ends.get(0),
                ends.size() < 2 ? List.of() : ends.get(1),
                node,
                protocolNumber(),
                port);
    }

    /**
     * What to say of a node without a lease. It is no mistake: packets that it sends are dropped, and can be seen. Nothing is
     * said of an IPv6 address where nodes have both, for only their IPv4 addresses are known here.
     */
    static Optional<String> strange(String node, List<String> known) {
        return known.contains(node)
                        || isIpv6(node) && !known.isEmpty() && known.stream().noneMatch(PacketFlags::isIpv6)
                ? Optional.empty()
                : Optional.of("--peer " + node + " is no other node with a lease; known are: " + list(known));
    }

    private static boolean isIpv6(String address) {
        return address.contains(":");
    }

    private static String list(List<String> known) {
        return known.isEmpty() ? "none" : PlainText.shorten(PlainText.escape(String.join(", ", known)), LONGEST_LIST);
    }

    private ParameterException mistake(String what) {
        return new ParameterException(command.commandLine(), what);
    }

    private int protocolNumber() {
        return protocol.isEmpty()
                ? -1
                : InnerPacket.number(protocol)
                        .orElseThrow(
                                () -> mistake("--proto must be tcp, udp, icmp or icmpv6, was \"" + protocol + "\""));
    }

    private String node() {
        try {
            return peer.isEmpty() ? "" : IpAddress.parse(peer).toString();
        } catch (IllegalArgumentException e) {
            throw mistake("--peer must be a node's address, was \"" + peer + "\"");
        }
    }
}

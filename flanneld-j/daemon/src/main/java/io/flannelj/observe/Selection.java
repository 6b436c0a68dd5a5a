package io.flannelj.observe;

import io.flannelj.net.IpAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.stream.Collectors;

/**
 * Which packets a user wants to see. Empty collections and texts stand for any.
 *
 * @param points where
 * @param pods addresses, of which the packet has one at either end
 * @param others addresses, of which it has one at the other end
 * @param peer underlay address of the other node
 * @param protocol number; -1 for any
 * @param port TCP or UDP port at either end; 0 for any
 */
public record Selection(
        Set<Point> points, List<IpAddress> pods, List<IpAddress> others, String peer, int protocol, int port) {
    public Selection {
        points = Set.copyOf(points);
        pods = List.copyOf(pods);
        others = List.copyOf(others);
    }

    /**
     * The request that makes the daemon send them, and perhaps more: of several addresses it looks at none.
     *
     * @param keptBytes of each packet
     * @param perSecond of each worker; 0 for no limit
     */
    public String request(int keptBytes, int perSecond) {
        StringJoiner query = new StringJoiner("&", "/v1/packets?", "")
                .add("points=" + points.stream().map(Point::label).sorted().collect(Collectors.joining(",")))
                .add("keep=" + keptBytes)
                .add("rate=" + perSecond);
        if (pods.size() == 1) {
            query.add("one=" + pods.get(0));
            if (others.size() == 1) {
                query.add("other=" + others.get(0));
            }
        }
        if (!peer.isEmpty()) {
            query.add("peer=" + peer);
        }
        if (protocol >= 0) {
            query.add("protocol=" + protocol);
        }
        if (port > 0) {
            query.add("port=" + port);
        }
        return query.toString();
    }

    /** Whether a packet is wanted. */
    public boolean takes(PacketEvent event) {
        if (!points.contains(event.point()) || !peer.isEmpty() && !peer.equals(event.peer())) {
            return false;
        }
        if (pods.isEmpty() && others.isEmpty() && protocol < 0 && port == 0) {
            return true;
        }
        Optional<InnerPacket> inner = InnerPacket.of(event);
        return inner.isPresent() && takes(inner.get());
    }

    private boolean takes(InnerPacket packet) {
        return areEnds(packet.source(), packet.destination())
                && (protocol < 0 || InnerPacket.number(packet.protocol()).orElse(-1) == protocol)
                && (port == 0 || packet.sourcePort() == port || packet.destinationPort() == port);
    }

    private boolean areEnds(IpAddress source, IpAddress destination) {
        return isEnd(pods, source) && isEnd(others, destination) || isEnd(pods, destination) && isEnd(others, source);
    }

    private static boolean isEnd(List<IpAddress> wanted, IpAddress address) {
        return wanted.isEmpty() || wanted.contains(address);
    }
}

package io.flannelj.explain;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.flannelj.observe.InnerPacket;
import io.flannelj.observe.PacketEvent;
import io.flannelj.observe.PacketKey;
import io.flannelj.observe.Point;
import java.util.Objects;
import java.util.Optional;

/**
 * A packet at one place of its way, as a node tells another of it: what its headers say, and nothing of what it carries.
 *
 * @param epochNanos when, by that node's clock
 * @param point name of the place, a {@link Point}'s label
 * @param outwards whether it was on its way from the pods to the wire
 * @param reason why it was dropped; empty unless it was
 * @param help the same in words
 * @param from inner source address
 * @param to inner destination address
 * @param key by which it is known again, see {@link PacketKey}
 * @param summary protocol, ports, flags, length
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record SeenPacket(
        long epochNanos,
        String point,
        boolean outwards,
        String reason,
        String help,
        String from,
        String to,
        String key,
        String summary) {
    public SeenPacket {
        Objects.requireNonNull(point, "point"); // another node's may have none
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(help, "help");
        Objects.requireNonNull(from, "from");
        Objects.requireNonNull(to, "to");
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(summary, "summary");
    }

    /** What is told of a packet; empty of one that is no IP packet. */
    public static Optional<SeenPacket> of(PacketEvent event) {
        return InnerPacket.of(event)
                .map(inner -> new SeenPacket(
                        event.epochNanos(),
                        event.point().label(),
                        event.outwards(),
                        event.reason(),
                        event.help(),
                        inner.source().toString(),
                        inner.destination().toString(),
                        PacketKey.of(event),
                        summary(event, inner)));
    }

    private static String summary(PacketEvent event, InnerPacket inner) {
        return inner.protocol()
                + (inner.sourcePort() == 0 ? "" : " port " + inner.sourcePort() + " to " + inner.destinationPort())
                + (inner.info().isEmpty() ? "" : " " + inner.info())
                + ", " + event.innerLength() + " bytes"
                + (event.packets() > 1 ? " in " + event.packets() + " packets" : "");
    }

    boolean isAt(Point where) {
        return point.equals(where.label());
    }

    boolean isDropped() {
        return isAt(Point.DROPPED);
    }
}

package io.flannelj.observe;

import io.flannelj.net.IpAddress;
import io.flannelj.net.PlainText;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/** One packet as one line: when by the clock of who looks, what became of it, from whom to whom, what it is, by which node, and why it was dropped. */
public final class PacketLine {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSSXXX", Locale.ROOT);
    private static final String RED = "\u001b[31m";
    private static final String PLAIN = "\u001b[0m";

    private final Function<IpAddress, String> names;
    private final ZoneId zone;
    private final boolean colours;

    /**
     * @param names what stands for an address: a pod's name, or the address
     * @param colours whether drops are red
     */
    public PacketLine(Function<IpAddress, String> names, ZoneId zone, boolean colours) {
        this.names = names;
        this.zone = zone;
        this.colours = colours;
    }

    /** The line. */
    public String of(PacketEvent event) {
        return line(event, event.packets(), event.innerLength(), true);
    }

    /** The line of a flow: the time is that of its first packet. */
    public String of(Flow flow) {
        PacketEvent first = flow.first();
        boolean isKind = InnerPacket.of(first)
                .filter(inner -> inner.protocol().startsWith("ICMP"))
                .isPresent();
        return line(first, flow.packets(), flow.bytes(), isKind);
    }

    private String line(PacketEvent event, long packets, long bytes, boolean withInfo) {
        StringBuilder line = new StringBuilder(120)
                .append(TIME.format(instant(event).atZone(zone)))
                .append(' ')
                .append(verdict(event));
        Optional<InnerPacket> inner = InnerPacket.of(event);
        if (inner.isPresent()) {
            InnerPacket packet = inner.get();
            line.append(name(packet.source(), packet.sourcePort()))
                    .append(" → ")
                    .append(name(packet.destination(), packet.destinationPort()))
                    .append("  ")
                    .append(packet.protocol());
            if (withInfo && !packet.info().isEmpty()) {
                line.append(' ').append(packet.info());
            }
            line.append(", ");
        } else {
            line.append(event.outwards() ? "no IP packet, " : "no inner packet read, ");
        }
        line.append(bytes).append(" bytes");
        if (packets > 1) {
            line.append(" in ").append(packets).append(" packets");
        }
        if (!event.peer().isEmpty()) {
            line.append(event.outwards() ? ", to " : ", from ").append(event.peer());
        }
        if (event.point() == Point.DROPPED) {
            line.append(": ").append(event.reason()).append(", ").append(event.help());
        }
        return line.toString();
    }

    private String verdict(PacketEvent event) {
        String word = String.format(Locale.ROOT, "%-9s", verdictOf(event));
        return event.point() == Point.DROPPED && colours ? RED + word + PLAIN : word;
    }

    /** {@code DROPPED}, {@code sent} or {@code received}. */
    static String verdictOf(PacketEvent event) {
        return event.point() == Point.DROPPED ? "DROPPED" : event.outwards() ? "sent" : "received";
    }

    private String name(IpAddress address, int port) {
        String name = PlainText.escape(names.apply(address));
        if (port == 0) {
            return name;
        }
        return name.equals(address.toString()) ? address.withPort(port) : name + ":" + port;
    }

    static Instant instant(PacketEvent event) {
        return Instant.ofEpochSecond(
                event.epochNanos() / 1_000_000_000, Math.floorMod(event.epochNanos(), 1_000_000_000));
    }
}

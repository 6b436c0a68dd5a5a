package io.flannelj.observe;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.IpAddress;
import io.flannelj.net.PlainText;
import java.util.Optional;
import java.util.function.Function;

/**
 * One packet as one JSON object: {@code time} (RFC 3339, UTC), {@code verdict} (sent, received, dropped), {@code direction} (out,
 * in), {@code bytes} (from the inner IP header on; of a datagram without one all), {@code packets}; where they are known
 * {@code from} and {@code to} ({@code address}, {@code name}, {@code port}), {@code protocol}, {@code info} and {@code node}; of
 * a dropped one {@code reason} and {@code explanation}.
 */
public final class PacketJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Function<IpAddress, String> names;

    /** @param names what stands for an address: a pod's name, or the address */
    public PacketJson(Function<IpAddress, String> names) {
        this.names = names;
    }

    /** The object, on one line. */
    public String of(PacketEvent event) {
        return json(event, event.packets(), event.innerLength());
    }

    /** The same of a flow: all but {@code bytes} and {@code packets} is its first packet's. */
    public String of(Flow flow) {
        return json(flow.first(), flow.packets(), flow.bytes());
    }

    private String json(PacketEvent event, long packets, long bytes) {
        boolean dropped = event.point() == Point.DROPPED;
        ObjectNode node = JSON.createObjectNode()
                .put("time", PacketLine.instant(event).toString())
                .put("verdict", dropped ? "dropped" : PacketLine.verdictOf(event))
                .put("direction", event.outwards() ? "out" : "in");
        Optional<InnerPacket> inner = InnerPacket.of(event);
        if (inner.isPresent()) {
            InnerPacket packet = inner.get();
            node.set("from", end(packet.source(), packet.sourcePort()));
            node.set("to", end(packet.destination(), packet.destinationPort()));
            node.put("protocol", packet.protocol());
            if (!packet.info().isEmpty()) {
                node.put("info", packet.info());
            }
        }
        node.put("bytes", bytes).put("packets", packets);
        if (!event.peer().isEmpty()) {
            node.put("node", event.peer());
        }
        if (dropped) {
            node.put("reason", event.reason()).put("explanation", event.help());
        }
        return PlainText.escape(node.toString());
    }

    private ObjectNode end(IpAddress address, int port) {
        ObjectNode end = JSON.createObjectNode().put("address", address.toString());
        String name = names.apply(address);
        if (!name.equals(address.toString())) {
            end.put("name", name);
        }
        return port == 0 ? end : end.put("port", port);
    }
}

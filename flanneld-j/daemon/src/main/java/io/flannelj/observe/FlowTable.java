package io.flannelj.observe;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Packets added up by flow: addresses, protocol, ports, kind of ICMP, verdict, reason and node. Used by one thread. */
public final class FlowTable {
    /** Flows at a time; packets of more are only counted. */
    static final int MOST = 10_000;

    private final Map<String, Flow> flows = new HashMap<>();
    private long leftOut;

    /** Adds a packet. */
    public void add(PacketEvent event) {
        String key = key(event);
        Flow known = flows.get(key);
        if (known != null) {
            flows.put(key, known.plus(event));
        } else if (flows.size() < MOST) {
            flows.put(key, Flow.of(event));
        } else {
            leftOut += event.packets();
        }
    }

    private static String key(PacketEvent event) {
        String ends = InnerPacket.of(event)
                .map(inner -> inner.source() + " " + inner.destination() + " " + inner.protocol() + " "
                        + inner.sourcePort() + " " + inner.destinationPort() + " "
                        + (inner.protocol().startsWith("ICMP") ? inner.info() : ""))
                .orElse("");
        return PacketLine.verdictOf(event) + " " + event.outwards() + " " + event.reason() + " " + event.peer() + " "
                + ends;
    }

    /** The flows since the last time, the largest first; from now on there are none. */
    public List<Flow> take() {
        List<Flow> taken = flows.values().stream()
                .sorted(Comparator.comparingLong(Flow::bytes).reversed())
                .toList();
        flows.clear();
        return taken;
    }

    /** Packets of flows for which there was no room. */
    public long leftOut() {
        return leftOut;
    }
}

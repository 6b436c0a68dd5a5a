package io.flannelj.observe;

import java.nio.ByteBuffer;

/**
 * What makes one packet known again at another place of its way: addresses, ports, and what its sender numbered it by. Time to
 * live, checksums of IP and congestion marks change on the way and are left out, and so is the length: of a super-packet the
 * first segment has the same key.
 */
public final class PacketKey {
    private PacketKey() {}

    /** The key; of what is no IP packet empty. */
    public static String of(PacketEvent event) {
        return InnerPacket.of(event).map(inner -> key(event, inner)).orElse("");
    }

    private static String key(PacketEvent event, InnerPacket inner) {
        ByteBuffer packet = ByteBuffer.wrap(event.data()).slice(event.innerAt(), event.data().length - event.innerAt());
        boolean ipv4 = inner.source().isIpv4();
        int upper = ipv4 ? (packet.get(0) & 15) * 4 : 40;
        int number = InnerPacket.number(inner.protocol()).orElse(-1);
        return inner.source() + " " + inner.destination() + " " + inner.protocol() + " " + inner.sourcePort() + " "
                + inner.destinationPort() + " "
                + switch (number) {
                    case InnerPacket.TCP ->
                        hex(packet, upper + 4) + (inner.info().contains("SYN") ? " SYN" : "");
                    case InnerPacket.ICMP, InnerPacket.ICMPV6 -> hex(packet, upper + 4);
                    case InnerPacket.UDP ->
                        hex(packet, upper + 8) + hex(packet, upper + 12) + identification(packet, ipv4);
                    default -> hex(packet, upper) + identification(packet, ipv4);
                };
    }

    private static String identification(ByteBuffer packet, boolean ipv4) {
        return ipv4 ? " " + (packet.getShort(4) & 0xffff) : "";
    }

    private static String hex(ByteBuffer packet, int at) {
        return packet.limit() < at + 4 ? "" : Integer.toHexString(packet.getInt(at));
    }
}

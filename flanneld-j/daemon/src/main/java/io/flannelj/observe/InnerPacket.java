package io.flannelj.observe;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * What the first bytes of an IP packet say: RFC 791, 8200, 9293, 768, 792, 4443.
 *
 * @param protocol name of the upper layer, or its number
 * @param sourcePort 0 where the protocol has none, or it is not known
 * @param destinationPort the same
 * @param info flags of TCP, kind of ICMP, of a fragment its place; empty where there is nothing to say
 */
public record InnerPacket(
        IpAddress source, IpAddress destination, String protocol, int sourcePort, int destinationPort, String info) {
    public static final int ICMP = 1;
    public static final int TCP = 6;
    public static final int UDP = 17;
    public static final int ICMPV6 = 58;

    private static final int IPV4_BYTES = 20;
    private static final int IPV6_BYTES = 40;
    private static final String[] TCP_FLAGS = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};

    /** Reads it; empty when it is no IP packet, or too little of it is there. */
    public static Optional<InnerPacket> of(PacketEvent event) {
        if (event.innerAt() < 0 || event.innerAt() > event.data().length) {
            return Optional.empty();
        }
        ByteBuffer packet = ByteBuffer.wrap(event.data()).slice(event.innerAt(), event.data().length - event.innerAt());
        int version = packet.limit() == 0 ? 0 : packet.get(0) >>> 4 & 15;
        if (version == 4 && packet.limit() >= IPV4_BYTES) {
            int offset = (packet.getShort(6) & 0x1fff) * 8;
            return Optional.of(of(packet, 12, 4, packet.get(9) & 0xff, (packet.get(0) & 15) * 4, offset));
        }
        if (version == 6 && packet.limit() >= IPV6_BYTES) {
            return Optional.of(of(packet, 8, 16, packet.get(6) & 0xff, IPV6_BYTES, 0));
        }
        return Optional.empty();
    }

    /** Whether it is an echo request, or the answer to one. */
    public boolean isEcho() {
        return protocol.startsWith("ICMP") && info.startsWith("echo ");
    }

    private static InnerPacket of(
            ByteBuffer packet, int addressesAt, int addressBytes, int number, int upperAt, int fragmentAt) {
        IpAddress source = address(packet, addressesAt, addressBytes);
        IpAddress destination = address(packet, addressesAt + addressBytes, addressBytes);
        boolean hasUpper = fragmentAt == 0 && packet.limit() >= upperAt + 4;
        boolean hasPorts = hasUpper && (number == TCP || number == UDP);
        String info =
                fragmentAt > 0 ? "fragment at byte " + fragmentAt : !hasUpper ? "" : info(packet, upperAt, number);
        return new InnerPacket(
                source,
                destination,
                name(number),
                hasPorts ? packet.getShort(upperAt) & 0xffff : 0,
                hasPorts ? packet.getShort(upperAt + 2) & 0xffff : 0,
                info);
    }

    private static IpAddress address(ByteBuffer packet, int at, int bytes) {
        return IpAddress.ofBytes(
                Arrays.copyOfRange(packet.array(), packet.arrayOffset() + at, packet.arrayOffset() + at + bytes));
    }

    private static String info(ByteBuffer packet, int at, int number) {
        return switch (number) {
            case TCP -> packet.limit() < at + 14 ? "" : tcpFlags(packet.get(at + 13));
            case ICMP -> icmp(packet.get(at) & 0xff, packet.get(at + 1) & 0xff);
            case ICMPV6 -> icmpv6(packet.get(at) & 0xff, packet.get(at + 1) & 0xff);
            default -> "";
        };
    }

    private static String tcpFlags(int flags) {
        StringJoiner names = new StringJoiner(",");
        for (int i = 0; i < TCP_FLAGS.length; i++) {
            if ((flags & 1 << i) != 0) {
                names.add(TCP_FLAGS[i]);
            }
        }
        return names.toString();
    }

    private static String icmp(int type, int code) {
        return switch (type) {
            case 0 -> "echo reply";
            case 8 -> "echo request";
            case 3 -> code == 4 ? "fragmentation needed" : "unreachable, code " + code;
            case 11 -> "time exceeded";
            default -> "type " + type + ", code " + code;
        };
    }

    private static String icmpv6(int type, int code) {
        return switch (type) {
            case 128 -> "echo request";
            case 129 -> "echo reply";
            case 1 -> "unreachable, code " + code;
            case 2 -> "packet too big";
            case 3 -> "time exceeded";
            case 133, 134, 135, 136, 137 -> "neighbour discovery";
            default -> "type " + type + ", code " + code;
        };
    }

    /** The number of a protocol that a user names; empty where it is none that is known. */
    public static Optional<Integer> number(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "icmp" -> Optional.of(ICMP);
            case "tcp" -> Optional.of(TCP);
            case "udp" -> Optional.of(UDP);
            case "icmpv6" -> Optional.of(ICMPV6);
            default -> Optional.empty();
        };
    }

    private static String name(int number) {
        return switch (number) {
            case ICMP -> "ICMP";
            case TCP -> "TCP";
            case UDP -> "UDP";
            case ICMPV6 -> "ICMPv6";
            default -> "protocol " + number;
        };
    }
}

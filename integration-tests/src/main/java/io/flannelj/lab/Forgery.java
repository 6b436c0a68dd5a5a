package io.flannelj.lab;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Packets that somebody makes up, as bytes: UDP in IP, what each backend wraps it into, and the outer IP header for those who
 * write that as well. UDP checksums are left out in IPv4, which RFC 768 allows.
 */
public final class Forgery {
    /** Where forged packets go; nobody listens there, so that the kernel counts them. */
    public static final int CLOSED_PORT = 4444;

    private static final int ICMP = 1;
    private static final int UDP = 17;
    private static final int ICMPV6 = 58;

    private Forgery() {}

    /** A UDP datagram in an IP packet. */
    public static byte[] datagram(String source, String destination, int port, byte[] payload) {
        return datagram(source, destination, 55_555, port, payload);
    }

    /** The same from a port. */
    public static byte[] datagram(String source, String destination, int sourcePort, int port, byte[] payload) {
        byte[] from = address(source);
        byte[] to = address(destination);
        ByteBuffer udp = ByteBuffer.allocate(8 + payload.length)
                .putShort((short) sourcePort)
                .putShort((short) port)
                .putShort((short) (8 + payload.length))
                .putShort((short) 0)
                .put(payload);
        if (from.length == 16) {
            udp.putShort(6, checksum(from, to, UDP, udp.array()));
        }
        return packet(from, to, UDP, udp.array());
    }

    /**
     * An IPv4 packet without options in two fragments.
     *
     * @param firstBytes of its payload that are in the first one; a multiple of 8
     */
    public static List<byte[]> fragments(byte[] packet, int firstBytes) {
        byte[] head = Arrays.copyOf(packet, 20);
        byte[] payload = Arrays.copyOfRange(packet, 20, packet.length);
        return List.of(
                fragment(head, Arrays.copyOf(payload, firstBytes), 0x2000),
                fragment(head, Arrays.copyOfRange(payload, firstBytes, payload.length), firstBytes / 8));
    }

    private static byte[] fragment(byte[] head, byte[] payload, int place) {
        ByteBuffer fragment = ByteBuffer.allocate(20 + payload.length).put(head).put(payload);
        fragment.putShort(2, (short) fragment.capacity())
                .putShort(6, (short) place)
                .putShort(10, (short) 0);
        return fragment.putShort(10, checksum(Arrays.copyOf(fragment.array(), 20), 20, 0))
                .array();
    }

    /** The packet that forgeries carry: a datagram to a closed port. */
    public static byte[] inner(String source, String destination) {
        return datagram(source, destination, CLOSED_PORT, new byte[] {'f', 'o', 'r', 'g', 'e', 'd'});
    }

    /**
     * An ICMP error that says that a packet was too big for a way: fragmentation needed, or packet too big.
     *
     * @param source who says so
     * @param destination who is told
     * @param mtuBytes what the way is said to take
     * @param quoted the packet, from its IP header on
     */
    public static byte[] tooBig(String source, String destination, int mtuBytes, byte[] quoted) {
        byte[] from = address(source);
        byte[] to = address(destination);
        boolean ipv6 = from.length == 16;
        byte[] error = ByteBuffer.allocate(8 + quoted.length)
                .putInt(ipv6 ? 0x0200_0000 : 0x0304_0000)
                .putInt(mtuBytes)
                .put(quoted)
                .array();
        short sum = ipv6 ? checksum(from, to, ICMPV6, error) : checksum(error, error.length, 0);
        ByteBuffer.wrap(error).putShort(2, sum);
        return packet(from, to, ipv6 ? ICMPV6 : ICMP, error);
    }

    /** An echo request. */
    public static byte[] echo(String source, String destination) {
        byte[] from = address(source);
        byte[] to = address(destination);
        boolean ipv6 = from.length == 16;
        byte[] echo =
                ByteBuffer.allocate(16).putInt(ipv6 ? 0x8000_0000 : 0x0800_0000).array();
        short sum = ipv6 ? checksum(from, to, ICMPV6, echo) : checksum(echo, echo.length, 0);
        ByteBuffer.wrap(echo).putShort(2, sum);
        return packet(from, to, ipv6 ? ICMPV6 : ICMP, echo);
    }

    /** IP in IP. */
    public static byte[] ipip(String source, String destination, byte[] inner) {
        return packet(address(source), address(destination), 4, inner);
    }

    private static byte[] packet(byte[] from, byte[] to, int protocol, byte[] payload) {
        if (from.length == 16) {
            return ByteBuffer.allocate(40 + payload.length)
                    .putInt(0x6000_0000)
                    .putShort((short) payload.length)
                    .put((byte) protocol)
                    .put((byte) 64)
                    .put(from)
                    .put(to)
                    .put(payload)
                    .array();
        }
        ByteBuffer packet = ByteBuffer.allocate(20 + payload.length)
                .putShort((short) 0x4500)
                .putShort((short) (20 + payload.length))
                .putInt(0x1234_0000)
                .put((byte) 64)
                .put((byte) protocol)
                .putShort((short) 0)
                .put(from)
                .put(to);
        packet.putShort(10, checksum(packet.array(), 20, 0));
        return packet.put(payload).array();
    }

    /** What vxlan (RFC 7348) carries. */
    public static byte[] vxlan(int vni, String destinationMac, String sourceMac, byte[] inner) {
        return tunnelled(0x0800_0000, vni, destinationMac, sourceMac, inner);
    }

    /** What geneve (RFC 8926) carries. */
    public static byte[] geneve(int vni, String destinationMac, String sourceMac, byte[] inner) {
        return tunnelled(0x0000_6558, vni, destinationMac, sourceMac, inner);
    }

    private static byte[] tunnelled(int head, int vni, String destinationMac, String sourceMac, byte[] inner) {
        return ByteBuffer.allocate(22 + inner.length)
                .putInt(head)
                .putInt(vni << 8)
                .put(HexFormat.ofDelimiter(":").parseHex(destinationMac))
                .put(HexFormat.ofDelimiter(":").parseHex(sourceMac))
                .putShort((short) (inner[0] >>> 4 == 6 ? 0x86dd : 0x0800))
                .put(inner)
                .array();
    }

    private static byte[] address(String text) {
        try {
            return InetAddress.getByName(text).getAddress();
        } catch (UnknownHostException e) {
            throw new LabException("no address: " + text, e);
        }
    }

    /** With the pseudo-header of IPv6, RFC 8200 §8.1. */
    private static short checksum(byte[] from, byte[] to, int protocol, byte[] data) {
        byte[] pseudo = ByteBuffer.allocate(40 + data.length)
                .put(from)
                .put(to)
                .putInt(data.length)
                .putInt(protocol)
                .put(data)
                .array();
        return checksum(pseudo, pseudo.length, 0);
    }

    private static short checksum(byte[] bytes, int length, int start) {
        long sum = start;
        for (int i = 0; i < length; i += 2) {
            sum += (bytes[i] & 0xff) << 8 | (i + 1 < length ? bytes[i + 1] & 0xff : 0);
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (short) ~sum;
    }
}

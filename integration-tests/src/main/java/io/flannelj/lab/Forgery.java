package io.flannelj.lab;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * Packets that somebody makes up, as bytes: UDP in IP, what each backend wraps it into, and the outer IP header for those who
 * write that as well. UDP checksums are left out in IPv4, which RFC 768 allows.
 */
public final class Forgery {
    /** Where forged packets go; nobody listens there, so that the kernel counts them. */
    public static final int CLOSED_PORT = 4444;

    private static final int UDP = 17;

    private Forgery() {}

    /** A UDP datagram in an IP packet. */
    public static byte[] datagram(String source, String destination, int port, byte[] payload) {
        byte[] from = address(source);
        byte[] to = address(destination);
        ByteBuffer udp = ByteBuffer.allocate(8 + payload.length)
                .putShort((short) 55555)
                .putShort((short) port)
                .putShort((short) (8 + payload.length))
                .putShort((short) 0)
                .put(payload);
        if (from.length == 16) {
            udp.putShort(6, udpChecksum(from, to, udp.array()));
        }
        return packet(from, to, UDP, udp.array());
    }

    /** The packet that forgeries carry: a datagram to a closed port. */
    public static byte[] inner(String source, String destination) {
        return datagram(source, destination, CLOSED_PORT, new byte[] {'f', 'o', 'r', 'g', 'e', 'd'});
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

    private static short udpChecksum(byte[] from, byte[] to, byte[] udp) {
        byte[] pseudo = ByteBuffer.allocate(40 + udp.length)
                .put(from)
                .put(to)
                .putInt(udp.length)
                .putInt(UDP)
                .put(udp)
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

package io.flannelj.packet;

import io.flannelj.net.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** Builds whole IPv6 packets for tests, with right lengths and checksums. */
public final class Ipv6Packets {
    private static final int FLOW = 0x6012_3456;

    private Ipv6Packets() {}

    /** A TCP segment with twelve bytes of options; what differs from segment to segment is chosen. */
    public static byte[] tcp(
            IpAddress source, IpAddress destination, int ports, int sequence, int flags, byte[] payload) {
        int transport = 32 + payload.length;
        ByteBuf packet = start(source, destination, Ipv4Header.PROTOCOL_TCP, 64, transport);
        packet.setInt(40, ports);
        packet.setInt(44, sequence);
        packet.setInt(48, 99);
        packet.setByte(52, 0x80);
        packet.setByte(53, flags);
        packet.setShort(54, 512);
        packet.setInt(60, 0x0101_0101).setInt(64, 0x0101_0101).setInt(68, 0x0101_0101); // no-operation
        packet.setBytes(72, payload);
        long sum = Ipv6Header.CODEC.pseudoHeaderSum(packet, 0, Ipv4Header.PROTOCOL_TCP, transport);
        InternetChecksum.store(packet, 56, InternetChecksum.add(sum, packet, 40, transport));
        return packet.array();
    }

    public static byte[] udp(IpAddress source, IpAddress destination, int ports, byte[] payload) {
        int transport = 8 + payload.length;
        ByteBuf packet = start(source, destination, Ipv4Header.PROTOCOL_UDP, 64, transport);
        packet.setInt(40, ports);
        packet.setShort(44, transport);
        packet.setBytes(48, payload);
        long sum = Ipv6Header.CODEC.pseudoHeaderSum(packet, 0, Ipv4Header.PROTOCOL_UDP, transport);
        InternetChecksum.storeUdp(packet, 46, InternetChecksum.add(sum, packet, 40, transport));
        return packet.array();
    }

    /** An ICMPv6 echo request. */
    public static byte[] echo(IpAddress source, IpAddress destination, int hopLimit, int payloadBytes) {
        int transport = 8 + payloadBytes;
        ByteBuf packet = start(source, destination, Ipv6Header.PROTOCOL_ICMPV6, hopLimit, transport);
        packet.setByte(40, 128);
        long sum = Ipv6Header.CODEC.pseudoHeaderSum(packet, 0, Ipv6Header.PROTOCOL_ICMPV6, transport);
        InternetChecksum.store(packet, 42, InternetChecksum.add(sum, packet, 40, transport));
        return packet.array();
    }

    /** The packet with an extension header of eight bytes put in front of what it carries. */
    public static byte[] withExtension(byte[] packet, int extension) {
        byte[] out = new byte[packet.length + 8];
        System.arraycopy(packet, 0, out, 0, 40);
        System.arraycopy(packet, 40, out, 48, packet.length - 40);
        out[40] = packet[6];
        out[42] = 1; // PadN that fills the rest
        out[43] = 4;
        out[6] = (byte) extension;
        Ipv6Header.CODEC.setLength(Unpooled.wrappedBuffer(out), 0, out.length);
        return out;
    }

    private static ByteBuf start(IpAddress source, IpAddress destination, int protocol, int hopLimit, int payload) {
        ByteBuf packet = Unpooled.buffer(40 + payload).writeZero(40 + payload);
        Ipv6Header.write(
                packet,
                0,
                payload,
                hopLimit,
                protocol,
                source.highBits(),
                source.lowBits(),
                destination.highBits(),
                destination.lowBits());
        packet.setInt(0, FLOW);
        return packet;
    }
}

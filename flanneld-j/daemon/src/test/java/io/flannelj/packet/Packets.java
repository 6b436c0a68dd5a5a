package io.flannelj.packet;

import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Random;

/** Builds whole packets for tests, with right lengths and checksums. */
public final class Packets {
    private Packets() {}

    /** What may be chosen of a TCP segment. */
    public record Tcp(
            int source, int destination, int ports, int sequence, int flags, int identification, int options) {
        public static Tcp data(int source, int destination) {
            return new Tcp(source, destination, 0x1234_5678, 1000, TcpHeader.ACK, 7, 12);
        }

        public Tcp sequence(int value) {
            return new Tcp(source, destination, ports, value, flags, identification, options);
        }

        public Tcp flags(int value) {
            return new Tcp(source, destination, ports, sequence, value, identification, options);
        }

        public Tcp ports(int value) {
            return new Tcp(source, destination, value, sequence, flags, identification, options);
        }

        public Tcp identification(int value) {
            return new Tcp(source, destination, ports, sequence, flags, value, options);
        }

        /** Bytes of IP and TCP header together. */
        public int headerBytes() {
            return 40 + options;
        }
    }

    /** A TCP segment over IPv4 with time to live 64 and don't-fragment set. */
    public static byte[] tcp(Tcp tcp, byte[] payload) {
        int total = tcp.headerBytes() + payload.length;
        ByteBuf packet = Unpooled.buffer(total).writeZero(total);
        Ipv4Header.write(packet, 0, total, 64, Ipv4Header.PROTOCOL_TCP, tcp.source, tcp.destination);
        packet.setShort(4, tcp.identification);
        packet.setShort(6, Ipv4Header.DONT_FRAGMENT);
        Ipv4Header.updateChecksum(packet, 0);
        packet.setInt(20, tcp.ports);
        packet.setInt(24, tcp.sequence);
        packet.setInt(28, 99);
        packet.setByte(32, (20 + tcp.options) << 2);
        packet.setByte(33, tcp.flags);
        packet.setShort(34, 512);
        for (int i = 0; i < tcp.options; i++) {
            packet.setByte(40 + i, 1); // no-operation
        }
        packet.setBytes(tcp.headerBytes(), payload);
        long sum = Ipv4Header.CODEC.pseudoHeaderSum(packet, 0, Ipv4Header.PROTOCOL_TCP, total - 20);
        InternetChecksum.store(packet, 36, InternetChecksum.add(sum, packet, 20, total - 20));
        return packet.array();
    }

    /** A UDP datagram over IPv4. */
    public static byte[] udp(int source, int destination, int ports, byte[] payload) {
        int total = 28 + payload.length;
        ByteBuf packet = Unpooled.buffer(total).writeZero(total);
        Ipv4Header.write(packet, 0, total, 64, Ipv4Header.PROTOCOL_UDP, source, destination);
        packet.setInt(20, ports);
        packet.setShort(24, 8 + payload.length);
        packet.setBytes(28, payload);
        long sum = Ipv4Header.CODEC.pseudoHeaderSum(packet, 0, Ipv4Header.PROTOCOL_UDP, total - 20);
        InternetChecksum.storeUdp(packet, 26, InternetChecksum.add(sum, packet, 20, total - 20));
        return packet.array();
    }

    /** An ICMP echo request. */
    public static byte[] echo(int source, int destination, int timeToLive, int payloadBytes) {
        int total = 28 + payloadBytes;
        ByteBuf packet = Unpooled.buffer(total).writeZero(total);
        Ipv4Header.write(packet, 0, total, timeToLive, Ipv4Header.PROTOCOL_ICMP, source, destination);
        packet.setByte(20, 8);
        InternetChecksum.store(packet, 22, InternetChecksum.add(0, packet, 20, total - 20));
        return packet.array();
    }

    /** The packet as a TUN device without offload hands it over. */
    public static byte[] plain(byte[] packet) {
        return behind(new byte[VirtioNetHeader.BYTES], packet);
    }

    /** The packet as a TUN device hands over a super-packet: transport checksum partial. */
    public static byte[] superPacket(byte[] packet, int gsoType, int headerBytes, int gsoSize) {
        byte[] copy = packet.clone();
        ByteBuf view = Unpooled.wrappedBuffer(copy);
        IpHeader family = IpHeader.of(packet[0] >>> 4 == 4 ? IpFamily.IPV4 : IpFamily.IPV6);
        boolean tcp = gsoType != VirtioNetHeader.GSO_UDP_L4;
        int field = tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
        int protocol = tcp ? Ipv4Header.PROTOCOL_TCP : Ipv4Header.PROTOCOL_UDP;
        int ip = IpHeader.headerBytes(family.upperLayer(view, 0, packet.length));
        InternetChecksum.storePartial(view, ip + field, family.pseudoHeaderSum(view, 0, protocol, packet.length - ip));
        byte[] header = new byte[VirtioNetHeader.BYTES];
        VirtioNetHeader.writeSuper(Unpooled.wrappedBuffer(header), 0, gsoType, headerBytes, gsoSize, ip, field);
        return behind(header, copy);
    }

    /** {@code first} and {@code second} in one array. */
    public static byte[] behind(byte[] first, byte[] second) {
        byte[] both = new byte[first.length + second.length];
        System.arraycopy(first, 0, both, 0, first.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    /** Random bytes, the same for the same seed. */
    public static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }
}

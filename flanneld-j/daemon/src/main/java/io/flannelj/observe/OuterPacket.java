package io.flannelj.observe;

import io.flannelj.net.IpAddress;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * An encapsulated packet as it is on the wire: the tunnel's header and the inner packet behind outer IP and UDP headers. Those are
 * made here from what is known, for the kernel makes the real ones: addresses, ports and lengths are as on the wire; time to live
 * (64), identification, congestion mark and flow label are not, and a UDP checksum is left out over IPv4, as most tunnels do.
 */
public final class OuterPacket {
    private static final int IPV4_BYTES = 20;
    private static final int IPV6_BYTES = 40;
    private static final int UDP_BYTES = 8;
    private static final int TIME_TO_LIVE = 64;
    private static final int UDP = 17;

    private final String node;
    private final int port;
    private final boolean isIpInIp;

    /**
     * @param node this node's underlay address
     * @param port this node's UDP port for tunnel packets; 0 where the tunnel is IP in IP, whose outer header is the tunnel's
     */
    public OuterPacket(String node, int port) {
        this.node = node;
        this.port = port;
        this.isIpInIp = port == 0;
    }

    /**
     * The packet on the wire, its length in the same way as captured; empty where its ends are not known.
     *
     * @param data what there is of it
     * @param length bytes that there were
     */
    @SuppressWarnings("ArrayRecordComponent") // made once and never compared
    public record Whole(byte[] data, int length) {}

    /** Puts the outer headers in front. */
    public Optional<Whole> of(PacketEvent event) {
        if (isIpInIp) {
            return Optional.of(new Whole(withChecksum(event.data()), event.length()));
        }
        IpAddress here;
        IpAddress there;
        try {
            here = IpAddress.parse(node);
            there = IpAddress.parse(event.peer());
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        if (here.isIpv4() != there.isIpv4()) { // the tunnel of a dual-stack node's other family
            here = there.isIpv4() ? IpAddress.ANY_V4 : IpAddress.ofIpv6(0, 0);
        }
        int theirs = event.port() == 0 ? port : event.port();
        return Optional.of(
                event.outwards()
                        ? encapsulated(event, here, there, port, theirs)
                        : encapsulated(event, there, here, theirs, port));
    }

    private static Whole encapsulated(
            PacketEvent event, IpAddress source, IpAddress destination, int sourcePort, int destinationPort) {
        int ipBytes = source.isIpv4() ? IPV4_BYTES : IPV6_BYTES;
        int udpLength = UDP_BYTES + event.length();
        ByteBuffer packet = ByteBuffer.allocate(ipBytes + UDP_BYTES + event.data().length);
        if (source.isIpv4()) {
            packet.put((byte) 0x45)
                    .put((byte) 0)
                    .putShort((short) (IPV4_BYTES + udpLength))
                    .putInt(0)
                    .put((byte) TIME_TO_LIVE)
                    .put((byte) UDP)
                    .putShort((short) 0);
        } else {
            packet.putInt(0x6000_0000)
                    .putShort((short) udpLength)
                    .put((byte) UDP)
                    .put((byte) TIME_TO_LIVE);
        }
        packet.put(source.toBytes())
                .put(destination.toBytes())
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putShort((short) udpLength)
                .putShort((short) 0)
                .put(event.data());
        return new Whole(source.isIpv4() ? withChecksum(packet.array()) : packet.array(), ipBytes + udpLength);
    }

    /** The header's checksum set; of IP in IP the kernel sets it. */
    private static byte[] withChecksum(byte[] packet) {
        if (packet.length < IPV4_BYTES || packet[0] != 0x45) {
            return packet;
        }
        byte[] copy = packet.clone();
        ByteBuffer header = ByteBuffer.wrap(copy).putShort(10, (short) 0);
        int sum = 0;
        for (int at = 0; at < IPV4_BYTES; at += 2) {
            sum += header.getShort(at) & 0xffff;
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        header.putShort(10, (short) ~(sum + (sum >>> 16)));
        return copy;
    }
}

package io.flannelj.observe;

import io.flannelj.net.IpAddress;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;

/** Events for tests. */
final class Events {
    static final IpAddress POD = IpAddress.parse("10.5.1.2");
    static final IpAddress PEER_POD = IpAddress.parse("10.5.2.3");
    static final long TIME = 1_700_000_000_123_456_789L;

    private Events() {}

    static byte[] tcp() {
        return Packets.tcp(Tcp.data(POD.ipv4Bits(), PEER_POD.ipv4Bits()), new byte[20]);
    }

    static PacketEvent sent(byte[] packet) {
        return new PacketEvent(
                TIME, Point.FROM_POD, true, "", "", "192.168.0.2", false, 8472, 0, packet.length, 1, 0, packet);
    }

    static PacketEvent dropped(byte[] packet) {
        return new PacketEvent(
                TIME + 1,
                Point.DROPPED,
                true,
                "no_route",
                "no lease covers the destination",
                "",
                false,
                0,
                0,
                packet.length,
                1,
                77,
                packet);
    }

    /** Behind a VXLAN header. */
    static PacketEvent received(byte[] inner) {
        byte[] header = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
        byte[] data = Packets.behind(header, inner);
        return new PacketEvent(
                TIME + 2, Point.FROM_WIRE, false, "", "", "192.168.0.2", true, 0, 22, data.length, 1, 0, data);
    }
}

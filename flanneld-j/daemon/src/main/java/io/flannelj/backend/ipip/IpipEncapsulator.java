package io.flannelj.backend.ipip;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.net.IpAddress;
import io.flannelj.packet.Ecn;
import io.flannelj.packet.Ipv4Header;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * IP in IP (RFC 2003): an outer IPv4 header and nothing else. It forbids fragments where the packet inside does, as the
 * kernel's tunnel made by flannel does (nopmtudisc).
 */
public final class IpipEncapsulator implements Encapsulator {
    static final int PROTOCOL = 4;
    private static final int TIME_TO_LIVE = 64;

    private final int local;

    /**
     * @param local outer source address
     */
    public IpipEncapsulator(IpAddress local) {
        this.local = local.ipv4Bits();
    }

    @Override
    public int headerBytes() {
        return Ipv4Header.MIN_BYTES;
    }

    @Override
    public boolean isHop() {
        return false;
    }

    @Override
    public void wrap(ByteBuf packet, int offset, Peer peer) {
        int inner = offset + Ipv4Header.MIN_BYTES;
        int total = Ipv4Header.MIN_BYTES + Ipv4Header.totalBytes(packet, inner);
        packet.setByte(offset, 0x45);
        packet.setByte(offset + 1, Ecn.encapsulate(Ipv4Header.typeOfService(packet, inner) & Ecn.MASK));
        Ipv4Header.setTotalBytes(packet, offset, total);
        packet.setShort(offset + 4, 0); // the kernel fills in identification and checksum
        packet.setShort(offset + 6, Ipv4Header.flagsAndOffset(packet, inner) & Ipv4Header.DONT_FRAGMENT);
        packet.setByte(offset + 8, TIME_TO_LIVE);
        packet.setByte(offset + 9, PROTOCOL);
        packet.setShort(offset + 10, 0);
        packet.setInt(offset + 12, local);
        packet.setInt(offset + 16, peer.underlayAddress().ipv4Bits());
    }

    @Override
    public @Nullable DropReason check(ByteBuf datagram, int offset, int length) {
        int inner = offset + Ipv4Header.MIN_BYTES;
        if (length < 2 * Ipv4Header.MIN_BYTES
                || datagram.getByte(offset) != 0x45 // options on the outer header are nobody's business here
                || Ipv4Header.protocol(datagram, offset) != PROTOCOL) {
            return DropReason.BAD_ENCAPSULATION;
        }
        if (datagram.getUnsignedByte(inner) >>> 4 != 4) {
            return DropReason.NOT_IP;
        }
        return null;
    }
}

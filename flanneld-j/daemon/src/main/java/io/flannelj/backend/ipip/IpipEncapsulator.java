package io.flannelj.backend.ipip;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.net.IpAddress;
import io.flannelj.packet.Ipv4Header;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * IP in IP (RFC 2003): an outer IPv4 header and nothing else. Congestion marks pass between the headers as RFC 6040 and
 * the kernel's tunnels have it.
 */
public final class IpipEncapsulator implements Encapsulator {
    static final int PROTOCOL = 4;
    private static final int TIME_TO_LIVE = 64;
    private static final int ECN = 3;
    private static final int ECT_0 = 2;
    private static final int CE = 3;

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
        int ecn = Ipv4Header.typeOfService(packet, inner) & ECN;
        packet.setByte(offset, 0x45);
        packet.setByte(offset + 1, ecn == CE ? ECT_0 : ecn);
        Ipv4Header.setTotalBytes(packet, offset, total);
        packet.setShort(offset + 4, 0); // the kernel fills in identification and checksum
        packet.setShort(offset + 6, Ipv4Header.DONT_FRAGMENT);
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
        if ((Ipv4Header.typeOfService(datagram, offset) & ECN) == CE) {
            int service = Ipv4Header.typeOfService(datagram, inner);
            if ((service & ECN) == 0) {
                return DropReason.BAD_ENCAPSULATION; // marked as congested, though not capable of marks
            }
            markCongestion(datagram, inner);
        }
        return null;
    }

    /** Mends the checksum by the difference (RFC 1624), so that a damaged header stays one. */
    private static void markCongestion(ByteBuf packet, int offset) {
        int before = packet.getUnsignedShort(offset);
        int after = before | CE;
        int sum = (~packet.getUnsignedShort(offset + 10) & 0xffff) + (~before & 0xffff) + after;
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = (sum & 0xffff) + (sum >>> 16);
        packet.setShort(offset, after);
        packet.setShort(offset + 10, ~sum);
    }
}

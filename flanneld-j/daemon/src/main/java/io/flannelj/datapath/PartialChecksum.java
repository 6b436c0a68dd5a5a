package io.flannelj.datapath;

import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;

/** Transport checksums that the node's IP stack left to be completed. */
final class PartialChecksum {
    private PartialChecksum() {}

    /**
     * Adds the payload to a checksum field that holds the pseudo header's sum. A pod with a packet socket of its own says
     * where (packet(7), PACKET_VNET_HDR): in the IP header it would rewrite an address that was checked already.
     *
     * @param virtio where the packet's virtio header begins
     * @param upper its {@link IpHeader#upperLayer}
     * @return false when there is no such field
     */
    static boolean complete(ByteBuf packet, int virtio, int length, int upper) {
        int at = virtio + VirtioNetHeader.BYTES;
        int start = VirtioNetHeader.checksumStart(packet, virtio);
        int field = start + VirtioNetHeader.checksumOffset(packet, virtio);
        if (start < IpHeader.headerBytes(upper) || start >= length || field + 2 > length) {
            return false;
        }
        long sum = InternetChecksum.add(0, packet, at + start, length - start);
        if (IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_UDP) {
            InternetChecksum.storeUdp(packet, at + field, sum);
        } else {
            InternetChecksum.store(packet, at + field, sum);
        }
        return true;
    }
}

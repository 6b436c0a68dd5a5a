package io.flannelj.backend.geneve;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.EthernetHeader;
import io.flannelj.packet.GeneveHeader;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Geneve (RFC 8926) with an Ethernet frame inside, between two ends whose MAC addresses the leases tell. We send no
 * options; those of others are passed over unless they are critical.
 */
public final class GeneveEncapsulator implements Encapsulator {
    private static final int HEADER_BYTES = GeneveHeader.MIN_BYTES + EthernetHeader.BYTES;

    private final int vni;
    private final long ownMac;

    /**
     * @param vni 24 bits
     * @param mac our end's MAC address, as our lease tells it
     */
    public GeneveEncapsulator(int vni, MacAddress mac) {
        this.vni = vni;
        this.ownMac = mac.bits();
    }

    @Override
    public int headerBytes() {
        return HEADER_BYTES;
    }

    @Override
    public int headerBytes(ByteBuf datagram, int offset) {
        return GeneveHeader.bytes(datagram, offset) + EthernetHeader.BYTES;
    }

    @Override
    public boolean isHop() {
        return false;
    }

    @Override
    public void wrap(ByteBuf packet, int offset, Peer peer) {
        GeneveHeader.write(packet, offset, vni);
        EthernetHeader.write(
                packet, offset + GeneveHeader.MIN_BYTES, peer.linkAddress(), ownMac, EthernetHeader.TYPE_IPV4);
    }

    @Override
    public @Nullable DropReason check(ByteBuf datagram, int offset, int length) {
        if (length < HEADER_BYTES
                || GeneveHeader.version(datagram, offset) != 0
                || GeneveHeader.bytes(datagram, offset) + EthernetHeader.BYTES > length
                || GeneveHeader.isControl(datagram, offset)
                || GeneveHeader.hasCriticalOptions(datagram, offset)) {
            return DropReason.BAD_ENCAPSULATION;
        }
        if (GeneveHeader.vni(datagram, offset) != vni) {
            return DropReason.WRONG_VNI;
        }
        int frame = offset + GeneveHeader.bytes(datagram, offset);
        if (GeneveHeader.protocol(datagram, offset) != GeneveHeader.TYPE_ETHERNET
                || EthernetHeader.type(datagram, frame) != EthernetHeader.TYPE_IPV4) {
            return DropReason.NOT_IP;
        }
        if (EthernetHeader.destination(datagram, frame) != ownMac || EthernetHeader.source(datagram, frame) == ownMac) {
            return DropReason.WRONG_MAC;
        }
        return null;
    }
}

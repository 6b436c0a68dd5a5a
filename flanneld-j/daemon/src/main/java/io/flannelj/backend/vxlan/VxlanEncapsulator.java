package io.flannelj.backend.vxlan;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.EthernetHeader;
import io.flannelj.packet.VxlanHeader;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * VXLAN as the kernel speaks it (RFC 7348; Linux drivers/net/vxlan): an Ethernet frame between two VTEPs whose MAC
 * addresses the leases tell. Frames that a kernel VTEP would refuse are refused.
 */
public final class VxlanEncapsulator implements Encapsulator {
    private static final int HEADER_BYTES = VxlanHeader.BYTES + EthernetHeader.BYTES;

    private final int vni;
    private final boolean gbp;
    private final long ownMac;
    private final int etherType;

    /** For IPv4 inside, without extensions. */
    public VxlanEncapsulator(int vni, MacAddress vtepMac) {
        this(vni, vtepMac, IpFamily.IPV4, false);
    }

    /**
     * @param vni 24 bits
     * @param vtepMac our VTEP's MAC address, as our lease tells it
     * @param family of the packets inside
     * @param gbp whether peers may tell a group policy, which is then ignored
     */
    public VxlanEncapsulator(int vni, MacAddress vtepMac, IpFamily family, boolean gbp) {
        this.vni = vni;
        this.ownMac = vtepMac.bits();
        this.etherType = family == IpFamily.IPV4 ? EthernetHeader.TYPE_IPV4 : EthernetHeader.TYPE_IPV6;
        this.gbp = gbp;
    }

    @Override
    public int headerBytes() {
        return HEADER_BYTES;
    }

    @Override
    public boolean isHop() {
        return false;
    }

    @Override
    public void wrap(ByteBuf packet, int offset, Peer peer) {
        VxlanHeader.write(packet, offset, vni);
        EthernetHeader.write(packet, offset + VxlanHeader.BYTES, peer.linkAddress(), ownMac, etherType);
    }

    @Override
    public @Nullable DropReason check(ByteBuf datagram, int offset, int length) {
        if (length < HEADER_BYTES
                || !(VxlanHeader.isPlain(datagram, offset) || (gbp && VxlanHeader.isGroupPolicy(datagram, offset)))) {
            return DropReason.BAD_ENCAPSULATION;
        }
        if (VxlanHeader.vni(datagram, offset) != vni) {
            return DropReason.WRONG_VNI;
        }
        int frame = offset + VxlanHeader.BYTES;
        // ARP and neighbour discovery come as broadcast, so what is inside is asked before whom it is for.
        if (EthernetHeader.type(datagram, frame) != etherType) {
            return DropReason.NOT_IP;
        }
        if (EthernetHeader.destination(datagram, frame) != ownMac || EthernetHeader.source(datagram, frame) == ownMac) {
            return DropReason.WRONG_MAC;
        }
        return null;
    }
}

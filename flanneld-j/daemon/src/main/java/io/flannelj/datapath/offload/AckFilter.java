package io.flannelj.datapath.offload;

import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.TcpHeader;
import io.netty.buffer.ByteBuf;

/**
 * Holds back the bare TCP acknowledgements of a batch, and keeps of each flow only the last: acknowledgements are cumulative
 * (RFC 9293 §3.4), so that a later one says all that an earlier one did. Under load they are half of all packets, and each
 * costs a pod-to-pod way of its own.
 *
 * <p>Superseded is only what nobody can miss: flags ACK alone, no payload, no options but a timestamp (so nothing of SACK, RFC
 * 2018), the same ECN bits, and an acknowledgement number that really advanced (a repeated one tells of loss, RFC 5681 §3.2).
 * Anything else of any flow lets all that is held go first, so that no packet overtakes another of its flow.
 *
 * <p>One owner, one thread. Never allocates after construction.
 */
public final class AckFilter {
    private static final int FLOWS = 16;
    private static final int TIMESTAMP_BYTES = 12; // with the two no-operations before it
    private static final int NOP_NOP_TIMESTAMP = 0x0101_080a;
    private static final int TCP_FLAGS_AT = 12;
    private static final int BARE_BITS = 0x0fff; // reserved bits and flags, without the data offset

    private final IpHeader ip;
    private final int[] offsets = new int[FLOWS];
    private final int[] lengths = new int[FLOWS];
    private int held;

    /** What became of a packet. */
    public enum Outcome {
        /** It is not one to hold back: what is held goes first, then this. */
        PASS,
        /** It is held. */
        HELD,
        /** It is held in the place of an earlier one, of the same length. */
        SUPERSEDES
    }

    /** @param ip codec of all packets */
    public AckFilter(IpHeader ip) {
        this.ip = ip;
    }

    /**
     * Takes a packet.
     *
     * @param packets the batch, which stays as it is until what is held is forgotten
     */
    public Outcome offer(ByteBuf packets, int offset, int length) {
        if (!isBareAcknowledgement(packets, offset, length)) {
            return Outcome.PASS;
        }
        int transport = offset + ip.minBytes();
        for (int i = 0; i < held; i++) {
            if (isSameFlow(packets, offsets[i], offset)) {
                int before = offsets[i] + ip.minBytes();
                boolean advances =
                        TcpHeader.acknowledgment(packets, transport) - TcpHeader.acknowledgment(packets, before) > 0
                                && TcpHeader.sequence(packets, transport) == TcpHeader.sequence(packets, before)
                                && lengths[i] == length
                                && haveSameTrafficClass(packets, offsets[i], offset);
                if (!advances) {
                    return Outcome.PASS;
                }
                offsets[i] = offset;
                return Outcome.SUPERSEDES;
            }
        }
        if (held == FLOWS) {
            return Outcome.PASS;
        }
        offsets[held] = offset;
        lengths[held] = length;
        held++;
        return Outcome.HELD;
    }

    /** How many are held. */
    public int held() {
        return held;
    }

    public int offset(int index) {
        return offsets[index];
    }

    public int length(int index) {
        return lengths[index];
    }

    /** Forgets what was held. */
    public void clear() {
        held = 0;
    }

    private boolean isBareAcknowledgement(ByteBuf packets, int offset, int length) {
        int ipBytes = ip.minBytes();
        int options = length - ipBytes - TcpHeader.MIN_BYTES;
        if ((options != 0 && options != TIMESTAMP_BYTES) || !ip.isWellFormed(packets, offset, length)) {
            return false;
        }
        int upper = ip.upperLayer(packets, offset, length);
        int transport = offset + ipBytes;
        return IpHeader.headerBytes(upper) == ipBytes
                && IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_TCP
                && TcpHeader.headerBytes(packets, transport) == length - ipBytes
                && (packets.getUnsignedShort(transport + TCP_FLAGS_AT) & BARE_BITS) == TcpHeader.ACK
                && (options == 0 || packets.getInt(transport + TcpHeader.MIN_BYTES) == NOP_NOP_TIMESTAMP);
    }

    private boolean isSameFlow(ByteBuf packets, int a, int b) {
        int ipBytes = ip.minBytes();
        return packets.getInt(a + ipBytes) == packets.getInt(b + ipBytes) && ip.haveSameAddresses(packets, a, b);
    }

    /** DSCP and ECN. */
    private boolean haveSameTrafficClass(ByteBuf packets, int a, int b) {
        return packets.getShort(a)
                == packets.getShort(b); // version, header length or flow label's beginning go with them
    }
}

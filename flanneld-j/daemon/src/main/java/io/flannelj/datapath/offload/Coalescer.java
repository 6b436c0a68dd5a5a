package io.flannelj.datapath.offload;

import io.flannelj.device.Iovecs;
import io.flannelj.device.TunFeatures;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.IpHeader;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.UdpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Joins received TCP segments and equal UDP datagrams into super-packets, as a network card with GRO would, so that the
 * node's IP stack is entered once for many packets.
 *
 * <p>What may join is decided by {@link GroFlow}: one flow, contiguous, same headers but for what must differ, flags ACK or
 * ACK and PSH only, no fragments, no IP options or extension headers. Packets of one flow never overtake each other: whatever cannot join
 * sends what its flow has gathered first. Several flows are open at a time.
 *
 * <p>A joined packet goes out with a partial checksum, which would hide damage; therefore each segment's own checksum
 * is verified before. A segment whose checksum field is the pseudo header's sum is not damaged but partial: its
 * sender left the work to a network card that never came, which happens over a veth underlay. It is passed on as such,
 * unread: field and sum agree by chance as seldom as a checksum fits by chance, so nothing else passes that way.
 *
 * <p>One owner, one thread. Bytes are lent until {@link #flush}. Never allocates after construction.
 */
public final class Coalescer implements AutoCloseable {
    private static final int FLOWS = 8;
    private static final int JOINABLE_FLAGS = TcpHeader.ACK | TcpHeader.PSH;

    private final IpHeader ip;
    private final TunFeatures features;
    private final int mtuBytes;
    private final PacketSink sink;
    private final GroFlow[] flows = new GroFlow[FLOWS];
    private final ByteBuf virtio;
    private final long virtioAddress;
    private final Iovecs plain;
    private int nextVictim;

    /**
     * @param ip codec of all packets
     * @param mtuBytes MTU of the TUN device: a packet with a partial checksum that is longer must be a super-packet itself
     */
    public Coalescer(ByteBufAllocator allocator, IpHeader ip, TunFeatures features, int mtuBytes, PacketSink sink) {
        this.ip = ip;
        this.features = features;
        this.mtuBytes = mtuBytes;
        this.sink = sink;
        for (int i = 0; i < FLOWS; i++) {
            flows[i] = new GroFlow(allocator, ip);
        }
        this.virtio = allocator.directBuffer(16);
        this.virtioAddress = virtio.memoryAddress();
        this.plain = new Iovecs(allocator, 2);
    }

    /** Takes one well-formed packet, of whose segments nothing is known. */
    public boolean accept(ByteBuf data, long dataAddress, int offset, int length) {
        return accept(data, dataAddress, offset, length, 0);
    }

    /**
     * Takes one well-formed packet.
     *
     * @param dataAddress where {@code data} lies in memory
     * @param gsoSize transport payload of each of its segments, where it is a super-packet and that is known; else 0
     * @return false when its transport checksum is wrong; the packet goes nowhere then
     */
    public boolean accept(ByteBuf data, long dataAddress, int offset, int length, int gsoSize) {
        int upper = ip.upperLayer(data, offset, length);
        int ipBytes = IpHeader.headerBytes(upper);
        int protocol = IpHeader.protocol(upper);
        boolean tcp = protocol == Ipv4Header.PROTOCOL_TCP;
        boolean udp = protocol == Ipv4Header.PROTOCOL_UDP;
        int transport = offset + ipBytes;
        int transportBytes = length - ipBytes;
        if ((!tcp && !udp) || transportBytes < (tcp ? TcpHeader.MIN_BYTES : UdpHeader.BYTES)) {
            writePlain(dataAddress, offset, length);
            return true;
        }

        GroFlow flow = openFlow(data, offset, transport, tcp);
        int headerBytes = ipBytes + (tcp ? TcpHeader.headerBytes(data, transport) : UdpHeader.BYTES);
        // Over IPv6 a missing checksum is for the receiver to refuse: tunnels may leave it out (RFC 6935).
        boolean checksummed = tcp || UdpHeader.hasChecksum(data, transport);
        if (checksummed) {
            long pseudo = ip.pseudoHeaderSum(data, offset, protocol, transportBytes);
            if (isPartial(data, transport, tcp, pseudo)) {
                finish(flow, data);
                writePartial(data, dataAddress, offset, length, upper, gsoSize);
                return true;
            }
            if (!InternetChecksum.isValid(InternetChecksum.add(pseudo, data, transport, transportBytes))) {
                return false;
            }
        }

        boolean joinable = ipBytes == ip.minBytes()
                && headerBytes < length
                && checksummed
                && (tcp ? isJoinableTcp(data, transport) : isJoinableUdp(data, transport, transportBytes));
        if (!joinable) {
            finish(flow, data);
            writePlain(dataAddress, offset, length);
            return true;
        }
        if (flow != null && flow.join(data, dataAddress, offset, length, headerBytes)) {
            if (flow.isComplete()) {
                finish(flow, data);
            }
            return true;
        }
        finish(flow, data);
        GroFlow fresh = flow != null ? flow : freeFlow(data);
        fresh.begin(data, dataAddress, offset, length, tcp, headerBytes);
        if (fresh.isComplete()) {
            finish(fresh, data);
        }
        return true;
    }

    /** Hands over what every flow has gathered; afterwards no byte is borrowed any more. */
    public void flush(ByteBuf data) {
        for (GroFlow flow : flows) {
            if (flow.isOpen) {
                finish(flow, data);
            }
        }
    }

    private boolean isJoinableTcp(ByteBuf data, int transport) {
        int flags = TcpHeader.flags(data, transport);
        return features.tcpSegmentation()
                && TcpHeader.headerBytes(data, transport) >= TcpHeader.MIN_BYTES
                && (flags & TcpHeader.ACK) != 0
                && (flags & ~JOINABLE_FLAGS) == 0;
    }

    private boolean isJoinableUdp(ByteBuf data, int transport, int transportBytes) {
        return features.udpSegmentation() && UdpHeader.totalBytes(data, transport) == transportBytes;
    }

    private boolean isPartial(ByteBuf data, int transport, boolean tcp, long pseudo) {
        return features.checksum()
                && data.getUnsignedShortLE(transport + checksumAt(tcp)) == InternetChecksum.fold(pseudo);
    }

    /** Passes on a packet whose checksum is partial; one that is longer than the device takes is a super-packet. */
    private void writePartial(ByteBuf data, long dataAddress, int offset, int length, int upper, int gsoSize) {
        boolean tcp = IpHeader.protocol(upper) == Ipv4Header.PROTOCOL_TCP;
        int ipBytes = IpHeader.headerBytes(upper);
        int headerBytes = Segmenter.headerBytes(data, offset, upper);
        if (length > mtuBytes && mtuBytes > headerBytes) {
            int segment = gsoSize > 0 ? gsoSize : mtuBytes - headerBytes;
            VirtioNetHeader.writeSuper(virtio, 0, gsoType(tcp), headerBytes, segment, ipBytes, checksumAt(tcp));
        } else {
            VirtioNetHeader.writePartial(virtio, 0, ipBytes, checksumAt(tcp));
        }
        writeBehindVirtio(dataAddress + offset, length);
    }

    private static int checksumAt(boolean tcp) {
        return tcp ? TcpHeader.CHECKSUM_OFFSET : UdpHeader.CHECKSUM_OFFSET;
    }

    private @Nullable GroFlow openFlow(ByteBuf data, int offset, int transport, boolean tcp) {
        int ports = data.getInt(transport);
        for (GroFlow flow : flows) {
            if (flow.isOfFlow(data, offset, tcp, ports)) {
                return flow;
            }
        }
        return null;
    }

    private GroFlow freeFlow(ByteBuf data) {
        for (GroFlow flow : flows) {
            if (!flow.isOpen) {
                return flow;
            }
        }
        GroFlow victim = flows[nextVictim];
        nextVictim = (nextVictim + 1) % FLOWS;
        finish(victim, data);
        return victim;
    }

    private void finish(@Nullable GroFlow flow, ByteBuf data) {
        if (flow == null || !flow.isOpen) {
            return;
        }
        flow.isOpen = false;
        if (flow.segments == 1) {
            VirtioNetHeader.writePlain(virtio, 0);
        } else {
            int at = flow.headerAt;
            int ipBytes = ip.minBytes();
            int transport = at + ipBytes;
            int transportBytes = flow.totalBytes - ipBytes;
            ip.setLength(data, at, flow.totalBytes);
            if (flow.tcp) {
                if (flow.push) {
                    TcpHeader.setFlags(data, transport, TcpHeader.flags(data, transport) | TcpHeader.PSH);
                }
            } else {
                UdpHeader.setTotalBytes(data, transport, transportBytes);
            }
            int protocol = flow.tcp ? Ipv4Header.PROTOCOL_TCP : Ipv4Header.PROTOCOL_UDP;
            InternetChecksum.storePartial(
                    data, transport + flow.checksumAt(), ip.pseudoHeaderSum(data, at, protocol, transportBytes));
            VirtioNetHeader.writeSuper(
                    virtio, 0, gsoType(flow.tcp), flow.headerBytes, flow.segmentBytes, ipBytes, flow.checksumAt());
        }
        flow.parts.set(0, virtioAddress, VirtioNetHeader.BYTES);
        sink.write(flow.parts, flow.segments);
    }

    private int gsoType(boolean tcp) {
        return tcp ? ip.tcpGsoType() : VirtioNetHeader.GSO_UDP_L4;
    }

    private void writePlain(long dataAddress, int offset, int length) {
        VirtioNetHeader.writePlain(virtio, 0);
        writeBehindVirtio(dataAddress + offset, length);
    }

    private void writeBehindVirtio(long address, int length) {
        plain.clear();
        plain.add(virtioAddress, VirtioNetHeader.BYTES);
        plain.add(address, length);
        sink.write(plain, 1);
    }

    @Override
    public void close() {
        for (GroFlow flow : flows) {
            flow.close();
        }
        plain.close();
        virtio.release();
    }
}

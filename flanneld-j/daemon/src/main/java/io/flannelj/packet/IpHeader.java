package io.flannelj.packet;

import io.flannelj.net.IpFamily;
import io.netty.buffer.ByteBuf;

/**
 * What an IP header says whatever its family. A worker carries packets of one family and takes that family's codec when it is
 * made, so that nothing asks again for each packet.
 *
 * <p>An address is two longs, most significant first; the upper one of an IPv4 address is 0.
 *
 * <p>An <em>upper layer</em> is one int: the protocol in the low byte, above it the length in bytes of all IP headers in front.
 * Fragments of either family have {@link Ipv6Header#FRAGMENT} for a protocol, since their transport header is not to be
 * relied on.
 *
 * <p>Stateless; never allocates. But for {@link #isWellFormed}, the caller has checked that the packet is well-formed.
 */
public sealed interface IpHeader permits Ipv4Header, Ipv6Header {
    /** The codec of a family. */
    static IpHeader of(IpFamily family) {
        return family == IpFamily.IPV4 ? Ipv4Header.CODEC : Ipv6Header.CODEC;
    }

    static int upperLayer(int headerBytes, int protocol) {
        return headerBytes << 8 | protocol;
    }

    /** Bytes of the IP headers in front of an upper layer. */
    static int headerBytes(int upperLayer) {
        return upperLayer >>> 8;
    }

    /** Protocol number of an upper layer. */
    static int protocol(int upperLayer) {
        return upperLayer & 0xff;
    }

    /** Bytes of a header without options or extensions. */
    int minBytes();

    /** {@link VirtioNetHeader}'s number for a TCP super-packet of this family. */
    int tcpGsoType();

    /** Whether these bytes are one whole packet of this family. */
    boolean isWellFormed(ByteBuf packet, int offset, int length);

    /**
     * Bytes of a packet in so many bytes, behind which there may be padding, as Ethernet has it (RFC 894): what it says of
     * itself, where that is not more than is there.
     */
    int withoutPadding(ByteBuf packet, int offset, int bytes);

    /** Whether routers may fragment the packet, or what carries it, when it is of so many bytes. */
    boolean mayBeFragmented(ByteBuf packet, int offset, int bytes);

    /** Where the headers end and what follows them. */
    int upperLayer(ByteBuf packet, int offset, int length);

    long sourceHigh(ByteBuf packet, int offset);

    long sourceLow(ByteBuf packet, int offset);

    long destinationHigh(ByteBuf packet, int offset);

    long destinationLow(ByteBuf packet, int offset);

    /** The pseudo header's part of a transport checksum, to be added to the rest. */
    long pseudoHeaderSum(ByteBuf packet, int offset, int protocol, int transportBytes);

    /** The packet's congestion mark, an {@link Ecn} value. */
    int ecn(ByteBuf packet, int offset);

    /** Sets the congestion mark, and corrects an IPv4 header's checksum by the difference: a damaged header stays one. */
    void setEcn(ByteBuf packet, int offset, int ecn);

    /**
     * Takes one off the time to live or hop limit.
     *
     * @return what is left; at 0 the packet must not go on
     */
    int decrementTimeToLive(ByteBuf packet, int offset);

    /** Whether source and destination of two packets in one buffer are the same. */
    boolean haveSameAddresses(ByteBuf packets, int a, int b);

    /**
     * Whether one header can stand for both packets, which are of one flow and have neither options nor extensions: they
     * differ in length, identification and checksum alone.
     */
    boolean canShareHeader(ByteBuf packets, int a, int b);

    /** Sets the length of the whole packet, and computes an IPv4 header's checksum afresh. */
    void setLength(ByteBuf packet, int offset, int bytes);

    /** IPv4's identification; 0 where the header has none. */
    int identification(ByteBuf packet, int offset);

    /**
     * Makes a super-packet's header the template of its segments'.
     *
     * @return what {@link #completeSegment} wants to know of it
     */
    long prepareTemplate(ByteBuf packet, int offset, int headerBytes);

    /**
     * Completes the header of a segment, a copy of the template.
     *
     * @param bytes length of the segment
     * @param identification the lower 16 bits count
     */
    void completeSegment(ByteBuf segment, int offset, long template, int bytes, int identification);
}

package io.flannelj.packet;

import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The Internet checksum, RFC 1071: the one's complement of the one's complement sum of 16-bit words.
 *
 * <p>Sums are kept unfolded in 64 bits and in little-endian word order, whatever the machine: RFC 1071 §2(B) shows that
 * the order of bytes within words does not matter as long as the result is stored in the same order, which {@link
 * #store} does. Memory is read in words of 64 bits, several chains at a time, because one dependent chain of additions is
 * what bounds the obvious loop. Each word is added whole into one sum, which may wrap, and its upper half into another,
 * which cannot: what is missing, the sum of the lower halves, is the first less the second moved up, modulo 2^64. Netty
 * checks the bounds of each access to its buffers, so a sum asks it once, for a view of all its bytes, and the loop's
 * own checks against the view are taken out of the loop by the compiler.
 */
public final class InternetChecksum {
    private static final long LOW = 0xffff_ffffL;
    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS =
            MethodHandles.byteBufferViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private InternetChecksum() {}

    /**
     * Adds {@code length} bytes to a running sum. An odd last byte is padded with zero, so only the last part of a
     * message may have odd length. Allocates nothing but the buffer's own view of itself, when it is first asked for.
     *
     * @return the unfolded sum
     */
    public static long add(long sum, ByteBuf data, int offset, int length) {
        ByteBuffer bytes = data.internalNioBuffer(offset, length);
        long whole0 = 0;
        long whole1 = 0;
        long upper0 = 0;
        long upper1 = 0;
        int at = bytes.position();
        int end = at + length;
        for (int last = end - 31; at < last; at += 32) {
            long v0 = (long) LONGS.get(bytes, at);
            long v1 = (long) LONGS.get(bytes, at + 8);
            long v2 = (long) LONGS.get(bytes, at + 16);
            long v3 = (long) LONGS.get(bytes, at + 24);
            whole0 += v0;
            upper0 += v0 >>> 32;
            whole1 += v1;
            upper1 += v1 >>> 32;
            whole0 += v2;
            upper0 += v2 >>> 32;
            whole1 += v3;
            upper1 += v3 >>> 32;
        }
        long upper = upper0 + upper1;
        long s0 = sum + upper + (whole0 + whole1 - (upper << 32));
        for (; end - at >= 4; at += 4) {
            s0 += (int) INTS.get(bytes, at) & LOW;
        }
        if (end - at >= 2) {
            s0 += (short) SHORTS.get(bytes, at) & 0xffff;
            at += 2;
        }
        return at == end ? s0 : s0 + (bytes.get(at) & 0xff);
    }

    /** Adds one 16-bit value as it would stand in the packet, network order. */
    public static long addShort(long sum, int value) {
        return sum + (Short.reverseBytes((short) value) & 0xffff);
    }

    /** Adds one 32-bit value as it would stand in the packet, network order. */
    public static long addInt(long sum, int value) {
        return sum + (Integer.reverseBytes(value) & LOW);
    }

    /** Folds to 16 bits, still in little-endian order and not complemented. */
    public static int fold(long sum) {
        long s = (sum & LOW) + (sum >>> 32);
        s = (s & 0xffff) + (s >>> 16 & 0xffff) + (s >>> 32);
        s = (s & 0xffff) + (s >>> 16);
        return (int) ((s & 0xffff) + (s >>> 16));
    }

    /** Whether a sum that includes the checksum field itself is that of an undamaged message. */
    public static boolean isValid(long sum) {
        return fold(sum) == 0xffff;
    }

    /** Completes the sum (folds and complements) and writes it as a checksum field. */
    public static void store(ByteBuf packet, int offset, long sum) {
        packet.setShortLE(offset, ~fold(sum));
    }

    /** As {@link #store}, for UDP, where zero means "no checksum" and is sent as 0xffff (RFC 768). */
    public static void storeUdp(ByteBuf packet, int offset, long sum) {
        int complement = ~fold(sum) & 0xffff;
        packet.setShortLE(offset, complement == 0 ? 0xffff : complement);
    }

    /** Writes the folded sum as it is: how a partial checksum is handed to whoever will add the payload. */
    public static void storePartial(ByteBuf packet, int offset, long sum) {
        packet.setShortLE(offset, fold(sum));
    }
}

package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** The kernel's list of sockets, /proc/net/tcp and its kin (proc(5)): addresses in hexadecimal, words in the machine's order. */
final class SocketTable {
    private static final int WORD_DIGITS = 8;
    private static final byte[] MAPPED = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1}; // RFC 4291 §2.5.5.2

    private SocketTable() {}

    /**
     * A socket that takes packets.
     *
     * @param address its own; that of any is all zeros
     */
    record Listener(IpAddress address, int port) {
        /** Whether it takes what is sent to an address of this host. */
        boolean takes(IpAddress to, int toPort) {
            return port == toPort && (isAny() || address.equals(to));
        }

        private boolean isAny() {
            return address.highBits() == 0 && address.lowBits() == 0;
        }

        @Override
        public String toString() {
            return address.isIpv6() ? "[" + address + "]:" + port : address + ":" + port;
        }
    }

    /** The sockets in a state; lines that cannot be read are passed over. */
    static List<Listener> listeners(String table, int state) {
        String wanted = String.format("%02X", state);
        return table.lines()
                .skip(1)
                .map(line -> line.strip().split("\\s+"))
                .filter(fields -> fields.length > 3 && fields[3].equals(wanted))
                .flatMap(fields -> listener(fields[1]))
                .toList();
    }

    private static Stream<Listener> listener(String text) {
        int split = text.indexOf(':');
        if (split != WORD_DIGITS && split != 4 * WORD_DIGITS) {
            return Stream.empty();
        }
        byte[] bytes = new byte[split / 2];
        boolean reversed = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
        try {
            for (int i = 0; i < bytes.length; i++) {
                int place = reversed ? i / 4 * 4 + 3 - i % 4 : i;
                bytes[place] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
            }
            int port = Integer.parseInt(text.substring(split + 1), 16);
            return Stream.of(new Listener(IpAddress.ofBytes(unmapped(bytes)), port));
        } catch (NumberFormatException e) {
            return Stream.empty();
        }
    }

    /** An IPv4 address in the list of IPv6 is one of IPv4. */
    private static byte[] unmapped(byte[] bytes) {
        return bytes.length == 16 && Arrays.equals(bytes, 0, MAPPED.length, MAPPED, 0, MAPPED.length)
                ? Arrays.copyOfRange(bytes, MAPPED.length, bytes.length)
                : bytes;
    }
}

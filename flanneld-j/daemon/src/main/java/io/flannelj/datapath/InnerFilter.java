package io.flannelj.datapath;

import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.packet.Ipv4Header;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What a {@link WatchFilter} says of the inner packet, looked at in a copy of its headers. */
final class InnerFilter {
    /** The longest IPv4 header and the ports behind it; IPv6 without extension headers takes less. */
    static final int HEADER_BYTES = 64;

    private static final int IPV4_BYTES = 20;
    private static final int IPV6_BYTES = 40;

    private final @Nullable IpAddress one;
    private final @Nullable IpAddress other;
    private final int protocol;
    private final int port;

    InnerFilter(WatchFilter filter) {
        this.one = filter.one();
        this.other = filter.other();
        this.protocol = filter.protocol();
        this.port = filter.port();
    }

    boolean takesAll() {
        return one == null && other == null && protocol < 0 && port == 0;
    }

    /**
     * Whether the packet is wanted; one that is not IP is not.
     *
     * @param known bytes of it that are there
     */
    boolean takes(ByteBuffer packet, int at, int known) {
        if (takesAll()) {
            return true;
        }
        int version = known < IPV4_BYTES ? 0 : packet.get(at) >>> 4 & 15;
        if (version == 4) {
            int header = (packet.get(at) & 15) * 4;
            return hasAddresses(packet, at + 12, IpFamily.IPV4)
                    && hasPort(packet, at + header, known - header, packet.get(at + 9) & 0xff, isFirst(packet, at));
        }
        return version == 6
                && known >= IPV6_BYTES
                && hasAddresses(packet, at + 8, IpFamily.IPV6)
                && hasPort(packet, at + IPV6_BYTES, known - IPV6_BYTES, packet.get(at + 6) & 0xff, true);
    }

    private static boolean isFirst(ByteBuffer packet, int at) {
        return (packet.getShort(at + 6) & 0x1fff) == 0; // fragment offset, RFC 791
    }

    private boolean hasAddresses(ByteBuffer packet, int source, IpFamily family) {
        int destination = source + family.bits() / 8;
        if (one == null) {
            return other == null;
        }
        return is(packet, source, one, family) && (other == null || is(packet, destination, other, family))
                || is(packet, destination, one, family) && (other == null || is(packet, source, other, family));
    }

    private static boolean is(ByteBuffer packet, int at, IpAddress address, IpFamily family) {
        return address.family() == family
                && (family == IpFamily.IPV6
                        ? packet.getLong(at) == address.highBits() && packet.getLong(at + 8) == address.lowBits()
                        : packet.getInt(at) == (int) address.lowBits());
    }

    private boolean hasPort(ByteBuffer packet, int at, int known, int number, boolean isFirst) {
        if (protocol >= 0 && protocol != number) {
            return false;
        }
        if (port == 0) {
            return true;
        }
        return isFirst
                && (number == Ipv4Header.PROTOCOL_TCP || number == Ipv4Header.PROTOCOL_UDP)
                && known >= 4
                && ((packet.getShort(at) & 0xffff) == port || (packet.getShort(at + 2) & 0xffff) == port);
    }
}

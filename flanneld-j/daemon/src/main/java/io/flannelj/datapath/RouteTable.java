package io.flannelj.datapath;

import io.flannelj.net.Cidr;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which peer a pod address belongs to: longest prefix match over the peers' leases, of both families. Immutable,
 * replaced whole.
 *
 * <p>All leases of a network usually have one length, so each length gets a hash table of its own and a lookup asks the
 * tables from the longest on: one probe in the common case, whatever the number of peers.
 */
public final class RouteTable {
    public static final RouteTable EMPTY = of(List.of());

    private final Prefixes[] byLength;
    private final Ipv6Prefixes[] ipv6ByLength;
    private final Prefixes byUnderlay;
    private final Ipv6Prefixes byIpv6Underlay;
    private final List<Peer> peers;

    private RouteTable(List<Peer> peers) {
        List<Peer> ipv4 = peers.stream().filter(peer -> peer.subnet().isIpv4()).toList();
        List<Peer> ipv6 = peers.stream().filter(peer -> peer.subnet().isIpv6()).toList();
        this.peers = peers;
        this.byLength = lengths(ipv4)
                .mapToObj(length -> new Prefixes(length, ofLength(ipv4, length), false))
                .toArray(Prefixes[]::new);
        this.ipv6ByLength = lengths(ipv6)
                .mapToObj(length -> new Ipv6Prefixes(
                        length,
                        ofLength(ipv6, length),
                        peer -> peer.subnet().address().highBits(),
                        peer -> peer.subnet().address().lowBits()))
                .toArray(Ipv6Prefixes[]::new);
        this.byUnderlay = new Prefixes(
                32,
                peers.stream().filter(peer -> peer.underlayAddress().isIpv4()).toList(),
                true);
        this.byIpv6Underlay = new Ipv6Prefixes(
                128,
                peers.stream().filter(peer -> peer.underlayAddress().isIpv6()).toList(),
                Peer::underlayHigh,
                Peer::underlayLow);
    }

    /** Prefix lengths that occur, from the longest on. */
    private static IntStream lengths(List<Peer> peers) {
        return peers.stream()
                .mapToInt(peer -> -peer.subnet().length())
                .distinct()
                .sorted()
                .map(negative -> -negative);
    }

    private static List<Peer> ofLength(List<Peer> peers, int length) {
        return peers.stream().filter(peer -> peer.subnet().length() == length).toList();
    }

    /** A table of these peers; of two with the same subnet the later one counts. */
    public static RouteTable of(Collection<Peer> peers) {
        return new RouteTable(List.copyOf(peers));
    }

    /**
     * The peer whose lease covers {@code destination}.
     *
     * @param destination an IPv4 address as 32 bits
     */
    public @Nullable Peer lookup(int destination) {
        for (Prefixes prefixes : byLength) {
            Peer peer = prefixes.get(destination);
            if (peer != null) {
                return peer;
            }
        }
        return null;
    }

    /** The peer whose lease covers an IPv6 destination. */
    public @Nullable Peer lookup(long high, long low) {
        for (Ipv6Prefixes prefixes : ipv6ByLength) {
            Peer peer = prefixes.get(high, low);
            if (peer != null) {
                return peer;
            }
        }
        return null;
    }

    /** A peer whose tunnel ends at this underlay address; any of them where several share it. */
    public @Nullable Peer byUnderlay(int address) {
        return byUnderlay.get(address);
    }

    /** The same for an IPv6 underlay address. */
    public @Nullable Peer byUnderlay(long high, long low) {
        return byIpv6Underlay.get(high, low);
    }

    public List<Peer> peers() {
        return peers;
    }

    /** Prefixes of one length: open addressing, half full at most. */
    private static final class Prefixes {
        private final int length;
        private final int mask;
        private final int slotShift;
        private final int[] keys;
        private final @Nullable Peer[] values;

        Prefixes(int length, List<Peer> peers, boolean byUnderlay) {
            this.length = length;
            this.mask = length == 0 ? 0 : -1 << (32 - length);
            int bits = Math.max(1, 33 - Integer.numberOfLeadingZeros(Math.max(1, peers.size())));
            this.slotShift = 32 - bits;
            this.keys = new int[1 << bits];
            this.values = new Peer[1 << bits];
            for (Peer peer : peers) {
                put(byUnderlay ? peer.underlayBits() : bitsOf(peer.subnet()), peer);
            }
        }

        @Nullable
        Peer get(int address) {
            int key = address & mask;
            int slot = slot(key);
            while (true) {
                Peer peer = values[slot];
                if (peer == null || keys[slot] == key) {
                    return peer;
                }
                slot = slot + 1 & values.length - 1;
            }
        }

        private void put(int key, Peer peer) {
            int slot = slot(key);
            while (values[slot] != null && keys[slot] != key) {
                slot = slot + 1 & values.length - 1;
            }
            keys[slot] = key;
            values[slot] = peer;
        }

        /** Fibonacci hashing: consecutive subnets, the usual case, spread over the whole table. */
        private int slot(int key) {
            return (key >>> (length == 0 ? 0 : 32 - length)) * 0x9e37_79b9 >>> slotShift;
        }

        private static int bitsOf(Cidr subnet) {
            return subnet.address().ipv4Bits();
        }

        @Override
        public String toString() {
            return "/" + length + ": "
                    + Arrays.stream(values).filter(peer -> peer != null).count();
        }
    }
}

package io.flannelj.datapath;

import io.flannelj.net.Cidr;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which peer a pod address belongs to: longest prefix match over the peers' leases. Immutable, replaced whole.
 *
 * <p>All leases of a network usually have one length, so each length gets a hash table of its own and a lookup asks the
 * tables from the longest on: one probe in the common case, whatever the number of peers.
 */
public final class RouteTable {
    public static final RouteTable EMPTY = of(List.of());

    private final Prefixes[] byLength;
    private final Prefixes byUnderlay;
    private final List<Peer> peers;

    private RouteTable(Prefixes[] byLength, Prefixes byUnderlay, List<Peer> peers) {
        this.byLength = byLength;
        this.byUnderlay = byUnderlay;
        this.peers = peers;
    }

    /** A table of these peers; of two with the same subnet the later one counts. */
    public static RouteTable of(Collection<Peer> peers) {
        int[] lengths = peers.stream()
                .mapToInt(peer -> peer.subnet().length())
                .distinct()
                .map(length -> -length)
                .sorted()
                .map(negative -> -negative)
                .toArray();
        Prefixes[] byLength = new Prefixes[lengths.length];
        for (int i = 0; i < lengths.length; i++) {
            int length = lengths[i];
            byLength[i] = new Prefixes(
                    length,
                    peers.stream()
                            .filter(peer -> peer.subnet().length() == length)
                            .toList(),
                    false);
        }
        return new RouteTable(byLength, new Prefixes(32, List.copyOf(peers), true), List.copyOf(peers));
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

    /** A peer whose tunnel ends at this underlay address; any of them where several share it. */
    public @Nullable Peer byUnderlay(int address) {
        return byUnderlay.get(address);
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

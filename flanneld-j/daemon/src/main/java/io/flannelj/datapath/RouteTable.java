package io.flannelj.datapath;

import io.flannelj.net.Cidr;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which peer a pod address belongs to: longest prefix match over the peers' leases. Immutable, replaced whole.
 *
 * <p>All leases are of one family, and all underlay addresses are: a tunnel has one of each. An address is two longs, the upper
 * one of an IPv4 address 0.
 *
 * <p>All leases of a network usually have one length, so each length gets a hash table of its own and a lookup asks the
 * tables from the longest on: one probe in the common case, whatever the number of peers.
 */
public final class RouteTable {
    public static final RouteTable EMPTY = of(List.of());

    private final PrefixTable[] bySubnet;
    private final PrefixTable[] byUnderlay;
    private final List<Peer> peers;

    private RouteTable(List<Peer> peers) {
        this.peers = peers;
        this.bySubnet = peers.stream()
                .collect(Collectors.groupingBy(
                        peer -> -peer.subnet().length(), TreeMap::new, Collectors.toList())) // the longest first
                .values()
                .stream()
                .map(ofOneLength -> new PrefixTable(ofOneLength, Peer::subnet))
                .toArray(PrefixTable[]::new);
        this.byUnderlay = peers.isEmpty()
                ? new PrefixTable[0]
                : new PrefixTable[] {new PrefixTable(peers, peer -> Cidr.host(peer.underlayAddress()))};
    }

    /** A table of these peers; of two with the same subnet the later one counts. */
    public static RouteTable of(Collection<Peer> peers) {
        return new RouteTable(List.copyOf(peers));
    }

    /** The peer whose lease covers a destination. */
    public @Nullable Peer lookup(long high, long low) {
        return find(bySubnet, high, low);
    }

    /** A peer whose tunnel ends at this underlay address; any of them where several share it. */
    public @Nullable Peer byUnderlay(long high, long low) {
        return find(byUnderlay, high, low);
    }

    private static @Nullable Peer find(PrefixTable[] tables, long high, long low) {
        for (PrefixTable table : tables) {
            Peer peer = table.get(high, low);
            if (peer != null) {
                return peer;
            }
        }
        return null;
    }

    public List<Peer> peers() {
        return peers;
    }
}

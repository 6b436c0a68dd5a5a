package io.flannelj.net;

import org.jspecify.annotations.Nullable;

/**
 * What another node may send from, where the kernel carries its packets.
 *
 * @param link the interface that its packets come in by
 * @param mac the address that they bear there; null where the interface has none, or where it may be a router's
 * @param addresses that its pods, or the node itself, may have
 */
public record PeerSource(String link, @Nullable MacAddress mac, Cidr addresses) {}

package io.flannelj.datapath;

/**
 * Where packets for a peer go first on the underlay: what the kernel would put in front of them by its routes and neighbours.
 * It holds for the moment; who follows the kernel replaces it.
 *
 * @param destination MAC address of the peer or of the router before it, in the lower 48 bits
 * @param source MAC address of the uplink, in the lower 48 bits
 * @param timeToLive of outer packets, or their hop limit
 * @param mtuBytes the longest outer packet, from its IP header on
 */
public record NextHop(long destination, long source, int timeToLive, int mtuBytes) {}

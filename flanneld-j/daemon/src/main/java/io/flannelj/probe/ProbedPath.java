package io.flannelj.probe;

/**
 * A path that is to be probed.
 *
 * @param mtuBytes of the tunnel: the longest inner packet that is ever sent there
 * @param leastMtuBytes below which the path's own is not looked for
 * @param isSegmented whether runs of datagrams to it are left to the kernel or the network card to cut
 */
public record ProbedPath(PathKey key, int mtuBytes, int leastMtuBytes, boolean isSegmented) {}

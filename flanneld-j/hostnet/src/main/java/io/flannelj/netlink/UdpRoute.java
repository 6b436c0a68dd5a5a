package io.flannelj.netlink;

/**
 * The route of one UDP flow, as the kernel made it for the flow.
 *
 * @param route link, and gateway unless the destination is on the link itself
 * @param mtuBytes what the kernel believes that the path takes, where that is not the link's MTU: by a metric, or since somebody
 *     said so by ICMP; else 0
 */
public record UdpRoute(Route route, int mtuBytes) {}

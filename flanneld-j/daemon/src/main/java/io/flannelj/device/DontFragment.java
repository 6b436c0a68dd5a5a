package io.flannelj.device;

/**
 * Whether an outer packet that is longer than its way takes may be cut: the outer DF bit, in the words of ip-link(8). What is
 * decided holds for every packet of a tunnel, sent alone or segmented by the kernel.
 */
public enum DontFragment {
    /**
     * It may, by routers over IPv4. This node sends it as long as its own uplink takes it, whatever ICMP errors say of the way:
     * anybody can make them up.
     */
    UNSET,
    /** It may, also by this node where ICMP errors say that the way is narrower. What kernel VXLAN does. */
    UNSET_AS_TOLD,
    /** It must not: it is lost there, and the router says so. */
    SET,
    /** The same for probes: what this node believes of the way does not count, its own uplink's MTU does. */
    PROBE
}

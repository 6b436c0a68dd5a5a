package io.flannelj.device;

/**
 * Whether an outer packet that is longer than its way takes may be cut: the outer DF bit, in the words of ip-link(8). What is
 * decided holds for every packet of a tunnel, sent alone or segmented by the kernel.
 */
public enum DontFragment {
    /** It may: by this node where it knows of the narrower way, and over IPv4 by routers. What kernel VXLAN does by default. */
    UNSET,
    /** It must not: it is lost there, and the router says so. */
    SET
}

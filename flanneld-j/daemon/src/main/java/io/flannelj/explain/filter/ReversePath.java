package io.flannelj.explain.filter;

import io.flannelj.net.IpAddress;

/** The kernel's routes, for rules that ask whether answers leave by where a packet came from. */
public interface ReversePath {
    /**
     * Whether answers leave by the interface.
     *
     * @param from the packet's source
     * @param in interface that it came by
     */
    boolean leadsBack(IpAddress from, String in);
}

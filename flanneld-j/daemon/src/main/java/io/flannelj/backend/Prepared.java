package io.flannelj.backend;

import io.flannelj.lease.LeaseAttributes;
import java.util.List;

/**
 * Prepared but not carrying traffic: a tunnel through a data path of ours, or something else. {@link Backends#start} starts it.
 */
public sealed interface Prepared permits TunnelSpec, PreparedBackend {
    /** What our lease tells the peers. */
    LeaseAttributes attributes();

    /**
     * The interfaces that routes to other nodes lead through: the uplink, and tunnel devices of the kernel's, which may
     * be there from an earlier run and be used again. None where another program makes the routes.
     */
    List<String> routedLinks();
}

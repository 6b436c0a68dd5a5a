package io.flannelj.probe.loop;

import io.flannelj.probe.PathState;
import io.flannelj.probe.Probe;

/** How one path is probed, and what else is known and done there. Confined to the prober's thread. */
interface Way {
    /**
     * Sends a probe.
     *
     * @return 0, or the errno with which the kernel refused it
     */
    int send(Probe probe);

    /** How many packets came from the peer until now; 0 where nobody counts them. */
    long heard();

    /** Goes by what was found out. */
    void use(PathState state);
}

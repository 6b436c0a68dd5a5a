package io.flannelj.probe;

import java.util.Locale;

/** Who carries packets on a path. */
public enum CarriedBy {
    /** Our data path: it counts what comes from the peer, and its packets can be padded, cut and limited. */
    DAEMON,
    /** The kernel, by its routes and tunnel devices: pings are all that there is. */
    KERNEL;

    /** The name as JSON has it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}

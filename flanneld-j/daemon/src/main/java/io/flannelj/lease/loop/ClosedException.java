package io.flannelj.lease.loop;

/** A wait for the store was ended because the daemon stops. */
public final class ClosedException extends Exception {
    private static final long serialVersionUID = 1;

    ClosedException() {
        super("closed while waiting for the store");
    }
}

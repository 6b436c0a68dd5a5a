package io.flannelj.backend;

import io.flannelj.lease.Lease;
import java.io.IOException;
import java.util.function.Consumer;

/** Starts what a {@link BackendProvider} has prepared. */
public final class Backends {
    private Backends() {}

    /**
     * Starts to carry traffic for the leased subnets, to no peer yet.
     *
     * @param onLost told once, on any thread, what the backend has lost and cannot bring back by itself; it must be closed
     *     and started anew
     * @throws IOException when the host refuses; names the device and the remedy, and leaves nothing behind
     */
    public static Backend start(Prepared prepared, Lease own, BackendContext context, Consumer<String> onLost)
            throws IOException {
        return prepared instanceof TunnelSpec spec
                ? TunnelSet.start(spec, own, context, onLost)
                : ((PreparedBackend) prepared).starter().start(own, onLost);
    }
}

package io.flannelj.backend;

import io.flannelj.config.NetworkConfig;
import java.io.IOException;

/** One way to carry pod traffic between nodes. Chosen by name. */
public interface BackendProvider {
    /** The {@code Backend.Type} value in the network config, lower case, e.g. {@code "vxlan"}. */
    String type();

    /**
     * Whether this would be a tunnel that can be open beside tunnels of other types, so that a network migrates from one to
     * another while packets flow. Asking has no effect: nothing is made, written or run.
     *
     * @throws IOException when the kernel cannot be asked
     */
    default boolean canMigrate(NetworkConfig config) throws IOException {
        return false;
    }

    /**
     * Makes what must exist before a lease can be asked for: keys, a VTEP's MAC.
     *
     * @throws IOException when the host refuses; names the device or file, and the remedy
     */
    Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException;
}

package io.flannelj.config;

import java.util.Locale;
import java.util.Optional;

/** Who carries a tunnel on a node. The wire is the same, so nodes may differ. */
public enum Datapath {
    /** Our own data path. */
    USERSPACE,
    /** A device of the kernel, as with flannel. */
    KERNEL,
    /** The kernel where it has such a tunnel, else our own data path. */
    AUTO;

    /** Reads {@code userspace}, {@code kernel} or {@code auto}. */
    static Optional<Datapath> read(String text) {
        for (Datapath datapath : values()) {
            if (datapath.name().toLowerCase(Locale.ROOT).equals(text)) {
                return Optional.of(datapath);
            }
        }
        return Optional.empty();
    }
}

package io.flannelj.config;

import java.util.Locale;
import java.util.Optional;

/** Who carries VXLAN on a node. The wire is the same, so nodes may differ. */
public enum VxlanDatapath {
    /** Our own data path. */
    USERSPACE,
    /** A device of the kernel, as with flannel. */
    KERNEL,
    /** The kernel where it has VXLAN, else our own data path. */
    AUTO;

    /** Reads {@code userspace}, {@code kernel} or {@code auto}. */
    static Optional<VxlanDatapath> read(String text) {
        for (VxlanDatapath datapath : values()) {
            if (datapath.name().toLowerCase(Locale.ROOT).equals(text)) {
                return Optional.of(datapath);
            }
        }
        return Optional.empty();
    }
}

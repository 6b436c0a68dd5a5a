package io.flannelj.cni.server;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;

/** Carries out CNI calls that plugins hand over. May block. */
public interface CniHandler {
    /** Carries out one call; never throws. */
    CniAnswer handle(Invocation call);

    /**
     * Whether this process finds the pod's namespace where the call says that it is.
     *
     * @param identity its device and inode, {@code DEVICE:INODE}, as the plugin sees them
     */
    boolean seesNetns(Invocation call, String identity);
}

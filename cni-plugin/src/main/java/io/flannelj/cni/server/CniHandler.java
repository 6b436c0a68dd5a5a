package io.flannelj.cni.server;

import io.flannelj.cni.Invocation;

/** Carries out CNI calls that plugins hand over. May block. */
public interface CniHandler {
    /**
     * The answer to one call.
     *
     * @param body what the plugin prints on standard output
     */
    record Reply(boolean success, String body) {}

    /** Carries out one call; never throws. */
    Reply handle(Invocation call);

    /**
     * Whether this process finds the pod's namespace where the call says that it is.
     *
     * @param identity its device and inode, {@code DEVICE:INODE}, as the plugin sees them
     */
    boolean seesNetns(Invocation call, String identity);
}

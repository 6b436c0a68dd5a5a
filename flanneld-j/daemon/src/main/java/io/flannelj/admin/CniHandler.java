package io.flannelj.admin;

/** Carries out CNI calls that arrive by the control socket. May block. */
public interface CniHandler {
    /**
     * The answer to one call.
     *
     * @param body what the plugin prints on standard output
     */
    record Reply(boolean success, String body) {}

    /**
     * Carries out one call.
     *
     * @param call as the plugin encoded it
     * @param netnsFile where the pod's network namespace can be opened while the call lasts; empty for the call's own path
     * @throws IllegalArgumentException when the octets are no call
     */
    Reply handle(byte[] call, String netnsFile);

    /**
     * Whether this process finds the pod's namespace where the call says that it is.
     *
     * @param identity its device and inode, {@code DEVICE:INODE}, as the plugin sees them
     */
    boolean seesNetns(byte[] call, String identity);
}

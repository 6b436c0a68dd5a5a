package io.flannelj.linux;

/** Entering network namespaces: setns(2), for the calling thread alone. */
public final class NetworkNamespaces {
    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final long NS_GET_NSTYPE = 0xb703;

    private NetworkNamespaces() {}

    /** Whether a descriptor stands for a network namespace (ioctl_ns(2)). */
    public static boolean isNetworkNamespace(Fd fd) {
        return LibC.calls().ioctl(fd.number(), NS_GET_NSTYPE, 0L) == CLONE_NEWNET;
    }

    /** Moves the calling thread. Threads and processes that it starts from now on inherit its place. */
    public static void enter(Fd namespace, String path) throws SyscallException {
        LibC.check(LibC.calls().setns(namespace.number(), CLONE_NEWNET), "enter network namespace", path);
    }

    /** Moves the calling thread into a namespace of its own, new and empty. */
    public static void unshare() throws SyscallException {
        LibC.check(LibC.calls().unshare(CLONE_NEWNET), "unshare", "network namespace");
    }
}

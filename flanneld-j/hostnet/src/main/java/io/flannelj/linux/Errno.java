package io.flannelj.linux;

import java.util.Map;

/** Names and meanings of error numbers, as in errno(3) on Linux. */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int EAGAIN = 11;
    public static final int EACCES = 13;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int EXDEV = 18;
    public static final int ENODEV = 19;
    public static final int EINVAL = 22;
    public static final int ERANGE = 34;
    public static final int ENAMETOOLONG = 36;
    public static final int EBADMSG = 74;
    public static final int EBADFD = 77;
    public static final int EMSGSIZE = 90;
    public static final int EPROTONOSUPPORT = 93;
    public static final int EOPNOTSUPP = 95;
    public static final int EADDRINUSE = 98;
    public static final int EADDRNOTAVAIL = 99;
    public static final int ENETDOWN = 100;
    public static final int ENETUNREACH = 101;
    public static final int ECONNABORTED = 103;
    public static final int ENOBUFS = 105;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EINPROGRESS = 115;
    public static final int EHOSTUNREACH = 113;

    private static final Map<Integer, String> TEXTS = Map.ofEntries(
            Map.entry(EPERM, "EPERM, operation not permitted"),
            Map.entry(ENOENT, "ENOENT, no such file or directory"),
            Map.entry(ESRCH, "ESRCH, no such process or entry"),
            Map.entry(EINTR, "EINTR, interrupted"),
            Map.entry(EIO, "EIO, input/output error"),
            Map.entry(ENXIO, "ENXIO, no such device or address"),
            Map.entry(9, "EBADF, bad file descriptor"),
            Map.entry(EAGAIN, "EAGAIN, try again"),
            Map.entry(12, "ENOMEM, out of memory"),
            Map.entry(EACCES, "EACCES, permission denied"),
            Map.entry(EBUSY, "EBUSY, device or resource busy"),
            Map.entry(EEXIST, "EEXIST, exists already"),
            Map.entry(EXDEV, "EXDEV, the way back leads elsewhere"),
            Map.entry(ENODEV, "ENODEV, no such device"),
            Map.entry(20, "ENOTDIR, not a directory"),
            Map.entry(EINVAL, "EINVAL, invalid argument"),
            Map.entry(23, "ENFILE, too many open files in the system"),
            Map.entry(24, "EMFILE, too many open files"),
            Map.entry(25, "ENOTTY, wrong kind of device"),
            Map.entry(28, "ENOSPC, no space left"),
            Map.entry(30, "EROFS, read-only file system"),
            Map.entry(ERANGE, "ERANGE, out of range"),
            Map.entry(ENAMETOOLONG, "ENAMETOOLONG, name too long"),
            Map.entry(EBADFD, "EBADFD, descriptor in a bad state"),
            Map.entry(EMSGSIZE, "EMSGSIZE, message too long"),
            Map.entry(92, "ENOPROTOOPT, no such option"),
            Map.entry(EBADMSG, "EBADMSG, not a message that can be read"),
            Map.entry(EPROTONOSUPPORT, "EPROTONOSUPPORT, protocol not supported"),
            Map.entry(EOPNOTSUPP, "EOPNOTSUPP, not supported"),
            Map.entry(97, "EAFNOSUPPORT, address family not supported"),
            Map.entry(EADDRINUSE, "EADDRINUSE, address in use"),
            Map.entry(EADDRNOTAVAIL, "EADDRNOTAVAIL, address not available on this host"),
            Map.entry(ENETDOWN, "ENETDOWN, network is down"),
            Map.entry(ENETUNREACH, "ENETUNREACH, network unreachable"),
            Map.entry(ECONNABORTED, "ECONNABORTED, connection aborted"),
            Map.entry(ENOBUFS, "ENOBUFS, no buffer space"),
            Map.entry(ETIMEDOUT, "ETIMEDOUT, timed out"),
            Map.entry(ECONNREFUSED, "ECONNREFUSED, connection refused"),
            Map.entry(EINPROGRESS, "EINPROGRESS, no answer yet"),
            Map.entry(EHOSTUNREACH, "EHOSTUNREACH, no route to host"));

    private Errno() {}

    /** Name and meaning, e.g. {@code ENODEV, no such device}; for others the number. */
    public static String text(int errno) {
        return TEXTS.getOrDefault(errno, "errno " + errno);
    }
}

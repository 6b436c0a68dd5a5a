package io.flannelj.linux;

/** Reading and writing on the packet path: plain numbers in and out, nothing allocated. */
public final class FdIo {
    private FdIo() {}

    /**
     * read(2).
     *
     * @return bytes read, or a negative errno
     */
    public static int read(int fd, long address, int length) {
        int count = (int) LibC.calls().read(fd, address, length);
        return count >= 0 ? count : -LibC.errno();
    }

    /**
     * writev(2).
     *
     * @param iovecs address of an array of {@code struct iovec}
     * @return bytes written, or a negative errno
     */
    public static int writev(int fd, long iovecs, int count) {
        int written = (int) LibC.calls().writev(fd, iovecs, count);
        return written >= 0 ? written : -LibC.errno();
    }
}

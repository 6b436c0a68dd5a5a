package io.flannelj.netlink;

import io.flannelj.linux.NetlinkFd;
import io.flannelj.linux.SyscallException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Tells, within moments, when somebody deletes a link (rtnetlink(7), RTM_DELLINK). */
public final class LinkWatch implements AutoCloseable {
    private static final int RTMGRP_LINK = 1;
    private static final int DELLINK = 17;
    private static final int BRIDGE = 7;
    private static final int HEADER_BYTES = 16;
    private static final int RECEIVE_BYTES = 64 * 1024;

    private final NetlinkFd fd;
    private final int linkIndex;
    private final Runnable onDeleted;
    private volatile boolean closed;

    private LinkWatch(NetlinkFd fd, int linkIndex, Runnable onDeleted) {
        this.fd = fd;
        this.linkIndex = linkIndex;
        this.onDeleted = onDeleted;
    }

    /**
     * Watches a link of the calling thread's network namespace.
     *
     * @param onDeleted told once, on a thread of the watch's own
     */
    public static LinkWatch start(int linkIndex, Runnable onDeleted) throws SyscallException {
        LinkWatch watch = new LinkWatch(NetlinkFd.listen(RTMGRP_LINK), linkIndex, onDeleted);
        Thread thread = new Thread(watch::run, "flannel-link-" + linkIndex);
        thread.setDaemon(true);
        thread.start();
        return watch;
    }

    private void run() {
        ByteBuffer received = ByteBuffer.allocateDirect(RECEIVE_BYTES).order(ByteOrder.nativeOrder());
        try (fd) { // closed by the thread that reads it, so that its number cannot become another file's meanwhile
            while (!closed) {
                if (fd.receive(received) == 0 && tellsOfDeletion(received)) {
                    if (!closed) {
                        onDeleted.run();
                    }
                    return;
                }
            }
        } catch (SyscallException e) {
            return; // without the watch, the regular repair finds out
        }
    }

    private boolean tellsOfDeletion(ByteBuffer received) {
        int at = 0;
        while (at + HEADER_BYTES + 8 <= received.limit()) {
            int length = received.getInt(at);
            if (length < HEADER_BYTES) {
                return false;
            }
            int type = received.getShort(at + 4) & 0xffff;
            int family =
                    received.get(at + HEADER_BYTES) & 0xff; // a bridge tells of ports that leave it in the same way
            if (type == DELLINK && family != BRIDGE && received.getInt(at + HEADER_BYTES + 4) == linkIndex) {
                return true;
            }
            at += length + 3 & ~3;
        }
        return false;
    }

    /** No word comes after this, except one that is on its way already. */
    @Override
    public void close() {
        closed = true;
    }
}

package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.NetlinkFd;
import io.flannelj.linux.SyscallException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A conversation with the kernel about one network namespace, by rtnetlink(7). The namespace is that of the thread that
 * opened it; any thread may use it afterwards, one request at a time.
 *
 * <p>Dumps that the kernel marks as interrupted are repeated here, and nowhere else.
 */
public final class NetlinkSocket implements AutoCloseable {
    private static final int RECEIVE_BYTES = 32 * 1024; // more the kernel never puts into one datagram of a dump
    private static final int MAX_TRIES = 20;

    /** Of the calling thread: sockets come and go with every pod, and fresh memory costs more than a request. */
    private static final ThreadLocal<Buffers> BUFFERS = ThreadLocal.withInitial(Buffers::new);

    private final NetlinkFd fd;
    private int sequence;

    private static final class Buffers {
        final ByteBuffer sent = ByteBuffer.allocateDirect(Request.MAX_BYTES).order(ByteOrder.nativeOrder());
        final ByteBuffer received = ByteBuffer.allocateDirect(RECEIVE_BYTES).order(ByteOrder.nativeOrder());
    }

    private NetlinkSocket(NetlinkFd fd) {
        this.fd = fd;
    }

    /** Opens a socket in the calling thread's network namespace. */
    public static NetlinkSocket open() throws SyscallException {
        return new NetlinkSocket(NetlinkFd.open());
    }

    /**
     * Opens a socket that is asked for IPsec instead (ip-xfrm(8)).
     *
     * @throws SyscallException EPROTONOSUPPORT where this kernel has none
     */
    static NetlinkSocket openIpsec() throws SyscallException {
        return new NetlinkSocket(NetlinkFd.openIpsec());
    }

    /** Carries out a request whose answer is yes or no. */
    void execute(Request request, String operation, String subject) throws SyscallException {
        query(request, 0, answer -> null, operation, subject);
    }

    /**
     * Carries out a request and reads the objects of the answer.
     *
     * @param headerBytes length of the answers' family header
     * @param reader takes what is wanted out of each object, as it comes; what it keeps of the object itself is void
     */
    synchronized <T> List<T> query(
            Request request, int headerBytes, Answer.Reader<T> reader, String operation, String subject)
            throws SyscallException {
        Buffers buffers = BUFFERS.get();
        for (int attempt = 1; ; attempt++) {
            int mine = ++sequence;
            request.finish(mine, buffers.sent);
            fd.send(buffers.sent);
            Reply<T> reply = new Reply<>(mine, request.isAcknowledged(), headerBytes, reader, operation, subject);
            receive(reply, buffers.received);
            if (reply.isConsistent()) {
                return reply.found();
            }
            if (attempt == MAX_TRIES) {
                throw new SyscallException(
                        operation, subject, Errno.EINTR, "the table kept changing while it was read");
            }
        }
    }

    private void receive(Reply<?> reply, ByteBuffer received) throws SyscallException {
        boolean whole = false;
        while (!whole) {
            whole = fd.receive(received) == 0 && reply.take(received);
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}

package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.NetlinkFd;
import io.flannelj.linux.SyscallException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A conversation with the kernel about one network namespace, by rtnetlink(7). The namespace is that of the thread that
 * opened it; any thread may use it afterwards, one request at a time.
 *
 * <p>Dumps that the kernel marks as interrupted are repeated here, and nowhere else.
 */
public final class NetlinkSocket implements AutoCloseable {
    private static final int TYPE_ERROR = 2;
    private static final int TYPE_DONE = 3;
    private static final int FLAG_MULTI = 0x2;
    private static final int FLAG_DUMP_INTERRUPTED = 0x10;
    private static final int FLAG_ACK_HAS_ATTRIBUTES = 0x200;
    private static final int EXPLANATION = 1;
    private static final int HEADER_BYTES = 16;
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
            List<T> found = new ArrayList<>();
            int mine = ++sequence;
            request.finish(mine, buffers.sent);
            fd.send(buffers.sent);
            if (receive(mine, request, buffers.received, headerBytes, reader, found, operation, subject)) {
                return found;
            }
            if (attempt == MAX_TRIES) {
                throw new SyscallException(
                        operation, subject, Errno.EINTR, "the table kept changing while it was read");
            }
        }
    }

    /** Returns whether the answer is whole; false when a dump was interrupted by a change. */
    private <T> boolean receive(
            int mine,
            Request request,
            ByteBuffer received,
            int headerBytes,
            Answer.Reader<T> reader,
            List<T> found,
            String operation,
            String subject)
            throws SyscallException {
        boolean consistent = true;
        while (true) {
            if (fd.receive(received) != 0) {
                continue;
            }
            int at = 0;
            while (at + HEADER_BYTES <= received.limit()) {
                int length = received.getInt(at);
                int type = received.getShort(at + 4) & 0xffff;
                int flags = received.getShort(at + 6) & 0xffff;
                boolean forUs = received.getInt(at + 8) == mine;
                if (length < HEADER_BYTES || at + length > received.limit()) {
                    break;
                }
                if (forUs) {
                    consistent &= (flags & FLAG_DUMP_INTERRUPTED) == 0;
                    if (type == TYPE_ERROR) {
                        throwIfRefused(received, at, length, flags, operation, subject);
                        return true;
                    }
                    if (type == TYPE_DONE) {
                        return consistent;
                    }
                    T object = reader.read(new Answer(received, at + HEADER_BYTES, headerBytes, at + length));
                    if (object != null) {
                        found.add(object);
                    }
                    if (!request.isAcknowledged() && (flags & FLAG_MULTI) == 0) {
                        return consistent;
                    }
                }
                at += length + 3 & ~3;
            }
        }
    }

    private static void throwIfRefused(
            ByteBuffer received, int at, int length, int flags, String operation, String subject)
            throws SyscallException {
        int errno = -received.getInt(at + HEADER_BYTES);
        if (errno == 0) {
            return;
        }
        String explanation = "";
        int attributesAt = HEADER_BYTES + 4 + HEADER_BYTES; // with NETLINK_CAP_ACK only the request's header is echoed
        if ((flags & FLAG_ACK_HAS_ATTRIBUTES) != 0 && length > attributesAt) {
            explanation = new Answer(received, at + attributesAt, 0, at + length).text(EXPLANATION);
        }
        throw new SyscallException(operation, subject, errno, explanation);
    }

    @Override
    public void close() {
        fd.close();
    }
}

package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel has answered to one request so far (netlink(7), and Linux, Documentation/userspace-api/netlink/intro.rst).
 * Datagrams go in, one after the other; nothing here waits or sends.
 */
final class Reply<T> {
    private static final int TYPE_ERROR = 2;
    private static final int TYPE_DONE = 3;
    private static final int FLAG_MULTI = 0x2;
    private static final int FLAG_DUMP_INTERRUPTED = 0x10;
    private static final int FLAG_HAS_ATTRIBUTES = 0x200;
    private static final int EXPLANATION = 1;
    private static final int ERRNO_BYTES = 4;

    private final int sequence;
    private final boolean acknowledged;
    private final int headerBytes;
    private final Answer.Reader<T> reader;
    private final String operation;
    private final String subject;
    private final List<T> found = new ArrayList<>();
    private boolean consistent = true;

    /**
     * @param sequence number of the request; answers to others are passed over
     * @param acknowledged whether an acknowledgement ends the answer; otherwise its object does
     * @param headerBytes length of the objects' family header
     * @param reader takes what is wanted out of each object
     */
    Reply(
            int sequence,
            boolean acknowledged,
            int headerBytes,
            Answer.Reader<T> reader,
            String operation,
            String subject) {
        this.sequence = sequence;
        this.acknowledged = acknowledged;
        this.headerBytes = headerBytes;
        this.reader = reader;
        this.operation = operation;
        this.subject = subject;
    }

    /**
     * Takes one datagram.
     *
     * @return whether the answer is whole
     * @throws SyscallException when the kernel refused, or when what it said cannot be read (EBADMSG)
     */
    boolean take(ByteBuffer datagram) throws SyscallException {
        Messages messages = new Messages(datagram);
        while (messages.next()) {
            if (messages.sequence() != sequence) {
                continue;
            }
            consistent &= (messages.flags() & FLAG_DUMP_INTERRUPTED) == 0;
            if (messages.type() == TYPE_ERROR) {
                // With NETLINK_CAP_ACK only the request's header is echoed in front of the attributes.
                throwIfRefused(messages, ERRNO_BYTES + Messages.HEADER_BYTES);
                return true;
            }
            if (messages.type() == TYPE_DONE) {
                throwIfRefused(messages, ERRNO_BYTES); // a dump that failed half way says so at its end
                return true;
            }
            T object = read(messages);
            if (object != null) {
                found.add(object);
            }
            if (!acknowledged && (messages.flags() & FLAG_MULTI) == 0) {
                return true;
            }
        }
        if (messages.isDamaged()) {
            throw unreadable("");
        }
        return false;
    }

    /** What was found. */
    List<T> found() {
        return found;
    }

    /** Whether nothing changed while it was read. */
    boolean isConsistent() {
        return consistent;
    }

    private @Nullable T read(Messages messages) throws SyscallException {
        if (messages.payloadBytes() < headerBytes) {
            throw unreadable("an object of " + messages.payloadBytes() + " bytes");
        }
        try {
            return reader.read(messages.object(headerBytes));
        } catch (IllegalArgumentException e) { // a prefix longer than its address, say
            throw unreadable(String.valueOf(e.getMessage()));
        }
    }

    private void throwIfRefused(Messages messages, int attributesAt) throws SyscallException {
        int payload = messages.payloadBytes();
        int errno = payload < ERRNO_BYTES ? 0 : -messages.object(0).u32(0);
        if (errno > 0) {
            boolean explained = (messages.flags() & FLAG_HAS_ATTRIBUTES) != 0 && payload > attributesAt;
            String explanation = explained ? messages.object(attributesAt).text(EXPLANATION) : "";
            throw new SyscallException(operation, subject, errno, explanation);
        }
    }

    private SyscallException unreadable(String what) {
        return new SyscallException(operation, subject, Errno.EBADMSG, what);
    }
}

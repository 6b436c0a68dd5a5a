package io.flannelj.netlink;

import io.flannelj.linux.Errno;
import io.flannelj.linux.NetlinkFd;
import io.flannelj.linux.SyscallException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Reports within milliseconds what anybody changes of the links, addresses, routes, neighbours and queueing of one network
 * namespace (the multicast groups of rtnetlink(7)). What is reported has happened already; a listener that wants to know how things
 * are now asks the kernel.
 */
public final class HostWatch implements AutoCloseable {
    private static final int NEWLINK = 16;
    private static final int DELLINK = 17;
    private static final int NEWADDR = 20;
    private static final int DELADDR = 21;
    private static final int NEWROUTE = 24;
    private static final int DELROUTE = 25;
    private static final int NEWQDISC = 36;
    private static final int DELQDISC = 37;
    private static final int NEWFILTER = 44;
    private static final int DELFILTER = 45;
    private static final int BRIDGE = 7;
    private static final int LINK_INDEX_AT = 4;
    private static final int LINK_INDEX_END = 8;
    private static final int ROUTE_HEADER_BYTES = 12; // struct rtmsg
    private static final int ROUTE_OUT_LINK = 4;
    private static final int RECEIVE_BYTES = 64 * 1024;

    private final NetlinkFd fd;
    private final Consumer<Change> listener;
    private volatile boolean closed;

    /** What can be listened to. */
    public enum Topic {
        LINKS(0x1),
        ADDRESSES(0x10 | 0x100),
        ROUTES(0x40 | 0x400),
        NEIGHBORS(0x4),
        /** Queueing disciplines, filters and actions, tc(8). */
        TRAFFIC_CONTROL(0x8);

        private final int groups;

        Topic(int groups) {
            this.groups = groups;
        }
    }

    /** What was changed. */
    public enum Kind {
        /** A link was made, or its state, name, MTU or MAC address changed. */
        LINK,
        LINK_DELETED,
        /** An address was added to a link, or taken from it. */
        ADDRESS,
        /** A route of any table was added or removed. The kernel reports no IPv4 routes that go with their link. */
        ROUTE,
        /** The same, of a default route. */
        DEFAULT_ROUTE,
        /** A neighbour of a link was found, lost, or changed its MAC address or state. */
        NEIGHBOR,
        /** A queueing discipline or filter of a link was added or removed. */
        TRAFFIC_CONTROL,
        /** More changed than could be reported: anything may have. */
        OVERRUN
    }

    /**
     * One change.
     *
     * @param linkIndex of the link that it concerns; 0 where it concerns none, or all
     */
    public record Change(Kind kind, int linkIndex) {}

    private HostWatch(NetlinkFd fd, Consumer<Change> listener) {
        this.fd = fd;
        this.listener = listener;
    }

    /**
     * Watches the calling thread's network namespace.
     *
     * @param name of the watch's thread
     * @param listener called on that thread, in the kernel's order; it must not throw
     */
    public static HostWatch start(Set<Topic> topics, String name, Consumer<Change> listener) throws SyscallException {
        int groups = topics.stream().mapToInt(topic -> topic.groups).reduce(0, (a, b) -> a | b);
        HostWatch watch = new HostWatch(NetlinkFd.listen(groups), listener);
        Thread thread = new Thread(watch::run, name);
        thread.setDaemon(true);
        thread.start();
        return watch;
    }

    private void run() {
        ByteBuffer received = ByteBuffer.allocateDirect(RECEIVE_BYTES).order(ByteOrder.nativeOrder());
        try (fd) { // closed by the thread that reads it, so that its number cannot become another file's meanwhile
            while (!closed) {
                int errno = fd.receive(received);
                if (errno == 0) {
                    read(received, this::report);
                } else if (errno == Errno.ENOBUFS) {
                    report(new Change(Kind.OVERRUN, 0));
                }
            }
        } catch (SyscallException e) {
            return; // without the watch, the regular repair finds out
        }
    }

    /** What one datagram reports; what is too short to report anything is passed over. */
    static void read(ByteBuffer datagram, Consumer<Change> listener) {
        Messages messages = new Messages(datagram);
        while (messages.next()) {
            switch (messages.type()) {
                case NEWLINK -> readLink(Kind.LINK, messages, listener);
                case DELLINK -> {
                    // A bridge reports ports that leave it as links that are deleted.
                    if (messages.payloadBytes() > 0 && messages.object(0).u8(0) != BRIDGE) {
                        readLink(Kind.LINK_DELETED, messages, listener);
                    }
                }
                case NEWADDR, DELADDR -> readLink(Kind.ADDRESS, messages, listener);
                case Neighbors.NEWNEIGH, Neighbors.DELNEIGH -> readLink(Kind.NEIGHBOR, messages, listener);
                case NEWQDISC, DELQDISC, NEWFILTER, DELFILTER -> readLink(Kind.TRAFFIC_CONTROL, messages, listener);
                case NEWROUTE, DELROUTE -> {
                    if (messages.payloadBytes() >= ROUTE_HEADER_BYTES) {
                        Answer route = messages.object(ROUTE_HEADER_BYTES);
                        Kind kind = route.u8(1) == 0 ? Kind.DEFAULT_ROUTE : Kind.ROUTE; // rtm_dst_len
                        listener.accept(new Change(kind, route.u32Attribute(ROUTE_OUT_LINK, 0)));
                    }
                }
                default -> {}
            }
        }
    }

    /** struct ifinfomsg, ifaddrmsg, ndmsg and tcmsg alike have the link's index at offset 4. */
    private static void readLink(Kind kind, Messages messages, Consumer<Change> listener) {
        if (messages.payloadBytes() >= LINK_INDEX_END) {
            listener.accept(new Change(kind, messages.object(0).u32(LINK_INDEX_AT)));
        }
    }

    private void report(Change change) {
        if (!closed) {
            listener.accept(change);
        }
    }

    /** Nothing is reported after this, except what is on its way already. */
    @Override
    public void close() {
        closed = true;
    }
}

package io.flannelj.device;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;

/**
 * A descriptor of ours on a Netty epoll loop: runs a task, on the loop, whenever the descriptor is readable or in error.
 * Level-triggered: what the task leaves unread wakes it again. The descriptor stays its owner's to close.
 */
public final class EpollWatch implements EpollIoHandle {
    private static final int READABLE_OR_ERROR = EpollIoOps.EPOLLIN.value() | EpollIoOps.EPOLLERR.value();

    private final FileDescriptor fd;
    private final Runnable onReadable;

    private EpollWatch(int fd, Runnable onReadable) {
        this.fd = new FileDescriptor(fd);
        this.onReadable = onReadable;
    }

    /**
     * Begins to watch.
     *
     * @return the registration; cancel it before the descriptor is closed
     */
    public static IoRegistration start(IoEventLoop loop, int fd, Runnable onReadable) {
        IoRegistration registration = loop.register(new EpollWatch(fd, onReadable))
                .syncUninterruptibly()
                .getNow();
        registration.submit(EpollIoOps.EPOLLIN);
        return registration;
    }

    @Override
    public FileDescriptor fd() {
        return fd;
    }

    @Override
    public void handle(IoRegistration registration, IoEvent event) {
        if ((((EpollIoEvent) event).ops().value() & READABLE_OR_ERROR) != 0) {
            onReadable.run();
        }
    }

    @Override
    public void close() {
        // the descriptor belongs to the TUN queue or socket
    }
}

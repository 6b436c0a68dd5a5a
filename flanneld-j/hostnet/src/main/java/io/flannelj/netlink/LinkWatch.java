package io.flannelj.netlink;

import io.flannelj.linux.SyscallException;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** Reports once, within milliseconds, when another process deletes a link. */
public final class LinkWatch implements AutoCloseable {
    private final HostWatch watch;

    private LinkWatch(HostWatch watch) {
        this.watch = watch;
    }

    /**
     * Watches a link of the calling thread's network namespace.
     *
     * @param onDeleted called once, on a thread of the watch's own
     */
    public static LinkWatch start(int linkIndex, Runnable onDeleted) throws SyscallException {
        HostWatch.Change deletion = new HostWatch.Change(HostWatch.Kind.LINK_DELETED, linkIndex);
        AtomicBoolean reported = new AtomicBoolean();
        return new LinkWatch(HostWatch.start(Set.of(HostWatch.Topic.LINKS), "flannel-link-" + linkIndex, change -> {
            if (change.equals(deletion) && reported.compareAndSet(false, true)) {
                onDeleted.run();
            }
        }));
    }

    /** Nothing is reported after this, except what is on its way already. */
    @Override
    public void close() {
        watch.close();
    }
}

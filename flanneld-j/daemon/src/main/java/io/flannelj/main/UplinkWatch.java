package io.flannelj.main;

import io.flannelj.backend.Uplink;
import io.flannelj.lease.loop.TaskQueue;
import io.flannelj.linux.SyscallException;
import io.flannelj.netlink.HostWatch;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Follows the uplink: it is looked for anew from time to time, and soon after a link, an address or a default route has
 * changed. Confined to the control queue, but for {@link #follow} and {@link #close}.
 */
final class UplinkWatch implements AutoCloseable {
    /** DHCP clients take an address away before they add the next one, and drivers make a device in several steps. */
    private static final Duration SETTLE = Duration.ofMillis(200);

    private final Uplink current;
    private final Finder finder;
    private final TaskQueue control;
    private final Listener listener;
    private volatile Set<Integer> ownLinks = Set.of();
    private @Nullable HostWatch watch;
    private boolean looking;
    private volatile boolean missing;
    private volatile boolean closed;

    /** Looks for the uplink as at the start. */
    interface Finder {
        /**
         * Finds it.
         *
         * @param current the one in use, whose addresses are kept where they are still there
         * @throws IOException when nothing fits; says what was tried, and what there is
         */
        Uplink find(Uplink current) throws IOException;
    }

    /** Told on the control queue. */
    interface Listener {
        /** The uplink is another one, or has other addresses or another MTU. */
        void onUplinkChanged(Uplink now);

        /** There is none, human-readable; empty when the same one is back. */
        void onUplinkMissing(String problem);

        /** Something may have changed on the uplink or on a device of ours, and the uplink is no other one. */
        void onHostChanged();
    }

    /** Looks when it is asked to, by {@link #look}. */
    UplinkWatch(Uplink current, Finder finder, TaskQueue control, Listener listener) {
        this.current = current;
        this.finder = finder;
        this.control = control;
        this.listener = listener;
    }

    /**
     * From now on looks soon after each change as well, in the calling thread's network namespace.
     *
     * @param ownLinks indexes of the links that this daemon made
     * @throws SyscallException when the kernel does not announce changes
     */
    void follow(Set<Integer> ownLinks) throws SyscallException {
        this.ownLinks = Set.copyOf(ownLinks);
        watch = HostWatch.start(EnumSet.allOf(HostWatch.Topic.class), "flannel-host", this::onChange);
    }

    /** Pods come and go with links, addresses and routes of their own, which are no business of ours. */
    private void onChange(HostWatch.Change change) {
        boolean concernsUs = missing
                || change.kind() == HostWatch.Kind.DEFAULT_ROUTE
                || change.kind() == HostWatch.Kind.OVERRUN
                || change.linkIndex() == current.index()
                || ownLinks.contains(change.linkIndex());
        if (concernsUs && !closed) {
            control.run(this::lookSoon);
        }
    }

    private void lookSoon() {
        if (!looking) {
            looking = true;
            TaskQueue.Pending unused = control.after(SETTLE, this::look);
        }
    }

    /** Looks for the uplink now. */
    void look() {
        looking = false;
        if (closed) {
            return;
        }
        try {
            Uplink now = finder.find(current);
            if (!now.equals(current)) {
                listener.onUplinkChanged(now);
                return;
            }
            missing = false;
            listener.onUplinkMissing("");
        } catch (IOException e) {
            missing = true;
            listener.onUplinkMissing(String.valueOf(e.getMessage()));
        }
        listener.onHostChanged();
    }

    @Override
    public void close() {
        closed = true;
        if (watch != null) {
            watch.close();
        }
    }
}

package io.flannelj.lease.loop;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.SubnetManager;
import java.time.Duration;
import java.util.Collection;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes of the store's events the peers that this node may send to, and tells the {@link LeaseLoop} what concerns our own lease.
 * Confined to the control queue; {@code watching} waits for the store.
 */
public final class PeerFeed implements AutoCloseable {
    private static final Duration GRACE = Duration.ofSeconds(30);
    private static final Duration GATHER = Duration.ofMillis(20);

    /** Who is told. Called on the control queue only. */
    public interface Listener {
        /** Every other node, complete each time; whether our own lease lasts is not considered. */
        void onPeers(Collection<Lease> peers);

        /** What the network config says now; it need not have changed. */
        void onConfig(String document);
    }

    private static final Logger log = LoggerFactory.getLogger(PeerFeed.class);

    private final LeaseLoop loop;
    private final TaskQueue control;
    private final Listener listener;
    private final LeaseTable table = new LeaseTable();
    private final LeaseFollower follower;
    private final PodSubnets own;
    private boolean notified;
    private boolean notifying;
    private String logged = "";
    private TaskQueue.@Nullable Pending graceEnd;
    private volatile boolean over;

    public PeerFeed(
            SubnetManager store,
            StoreHealth health,
            LeaseLoop loop,
            PodSubnets own,
            TaskQueue control,
            TaskQueue watching,
            RandomGenerator random,
            Listener listener) {
        this(loop, own, control, listener, events -> new LeaseFollower(store, health, watching, random, events));
    }

    /** Seam for tests: another follower. */
    PeerFeed(
            LeaseLoop loop,
            PodSubnets own,
            TaskQueue control,
            Listener listener,
            Function<Consumer<LeaseEvent>, LeaseFollower> follower) {
        this.loop = loop;
        this.own = own;
        this.control = control;
        this.listener = listener;
        this.follower = follower.apply(event -> control.run(() -> onEvent(event)));
        table.setOwn(own);
    }

    /**
     * Begins.
     *
     * @param saved peers of the previous run, which serve until the store answers; null when it has answered already
     */
    public void start(@Nullable LeaseCache saved) {
        if (saved != null) {
            control.run(() -> onEvent(new LeaseEvent.Reset(saved.peers())));
        }
        follower.start(saved == null ? 0 : saved.revision());
    }

    /** The revision of the store that the table was last listed at; 0 before the first. */
    public long revision() {
        return follower.revision();
    }

    private void onEvent(LeaseEvent event) {
        if (over) {
            return;
        }
        try {
            take(event);
        } catch (RuntimeException | Error e) { // half applied: only a listing tells the whole truth
            if (!e.toString().equals(logged)) {
                logged = e.toString();
                log.error("an event of the store could not be taken: {}; listing again", logged, e);
            }
            follower.restart();
        }
    }

    /** The one place where events enter the table. */
    private void take(LeaseEvent event) {
        if (event instanceof LeaseEvent.ConfigWritten config) {
            listener.onConfig(config.document());
            return;
        }
        boolean changed = table.apply(event);
        if (table.hasDoubted()) {
            scheduleGraceEnd();
        }
        if (changed || (event instanceof LeaseEvent.Reset && !notified)) {
            scheduleNotice();
        }
        if (!table.holdsOwn() || event instanceof LeaseEvent.Reset || isOwn(event)) {
            loop.check();
        }
    }

    private boolean isOwn(LeaseEvent event) {
        return event instanceof LeaseEvent.Added added
                && added.lease().subnets().equals(own);
    }

    /** The first change is passed on at once; what follows closely behind, together. */
    private void scheduleNotice() {
        if (!notifying) {
            notifying = true;
            control.after(notified ? GATHER : Duration.ZERO, this::notifyListener);
        }
    }

    private void notifyListener() {
        notifying = false;
        if (!over) {
            notified = true;
            listener.onPeers(table.peers());
        }
    }

    private void scheduleGraceEnd() {
        if (graceEnd != null) {
            return;
        }
        graceEnd = control.after(GRACE, () -> {
            graceEnd = null;
            if (table.dropDoubted()) {
                scheduleNotice();
            }
        });
    }

    /** Nothing more is told once the control queue has come to this. */
    @Override
    public void close() {
        over = true;
        follower.close();
    }
}

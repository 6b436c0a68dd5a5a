package io.flannelj.lease;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The time that a node holds one lease: follows the others, renews in time, claims again what vanished, stops sending when
 * the lease has provably ended, and ends when another node has it.
 *
 * <p>Three queues. {@code control} owns the table and never waits; {@code keeping} and {@code watching} wait for the
 * store, each by itself, so that a renewal is not held up by a listing. In tests all three are one queue of virtual time.
 */
public final class Tenure implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Tenure.class);
    private static final Duration GRACE = Duration.ofSeconds(30);
    private static final Duration GATHER = Duration.ofMillis(20);

    /** Whom a tenure tells. Called on the control queue only. */
    public interface Host {
        /** Everybody to send to, complete each time; nobody while the lease has ended. */
        void onPeers(Collection<Lease> peers);

        /** Our lease was renewed or claimed again. */
        void onOwn(Lease own);

        /** Our lease has provably ended, or goes on again. */
        void onFenced(boolean fenced);

        /** Another node has our subnet or our address: the tenure is over, and nothing more is told. */
        void onLost();

        /** What the network config says now; it need not have changed. */
        void onConfig(String document);
    }

    /** The queues of a tenure. */
    public record Queues(TaskQueue control, TaskQueue keeping, TaskQueue watching) {}

    private final LeaseKeeper keeper;
    private final Queues queues;
    private final Host host;
    private final LeaseTable table = new LeaseTable();
    private final LeaseFollower follower;
    private final Backoff retries;

    // owned by the control queue
    private boolean told;
    private boolean telling;
    private boolean fenced;
    private TaskQueue.@Nullable Pending fenceCheck;
    private TaskQueue.@Nullable Pending graceEnd;
    private boolean securing;

    // owned by the keeping queue
    private TaskQueue.@Nullable Pending nextRenewal;

    private volatile LeaseAttributes attributes;
    private volatile boolean over;

    public Tenure(
            SubnetManager store,
            StoreHealth health,
            LeaseKeeper keeper,
            LeaseAttributes attributes,
            PodSubnets own,
            Queues queues,
            RandomGenerator random,
            Host host) {
        this.keeper = keeper;
        this.attributes = attributes;
        this.queues = queues;
        this.host = host;
        this.retries = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5), random);
        this.follower = new LeaseFollower(
                store,
                health,
                queues.watching(),
                random,
                event -> queues.control().run(() -> take(event)));
        table.setOwn(own);
    }

    /**
     * Begins.
     *
     * @param saved peers of an earlier life, which serve until the store answers; null when it has answered already
     */
    public void start(@Nullable SavedLeases saved) {
        if (saved != null) {
            queues.control().run(() -> take(new LeaseEvent.Reset(saved.peers())));
        }
        follower.start(saved == null ? 0 : saved.revision());
        queues.control().run(this::checkFence);
        queues.keeping().run(this::scheduleRenewal);
        if (keeper.isFromDisk()) {
            queues.keeping().run(() -> secure(true));
        }
    }

    /** Says something else of this node from now on, and at once. On the control queue. */
    public void announce(LeaseAttributes now) {
        if (!now.equals(attributes)) {
            attributes = now;
            queues.keeping().run(() -> secure(true));
        }
    }

    /** The revision of the store that the table was last listed at; 0 before the first. */
    public long revision() {
        return follower.revision();
    }

    /** What every live lease holds. On the control queue. */
    public Collection<PodSubnets> taken() {
        return table.taken();
    }

    private void take(LeaseEvent event) {
        if (over) {
            return;
        }
        if (event instanceof LeaseEvent.ConfigWritten config) {
            host.onConfig(config.document());
            return;
        }
        boolean changed = table.apply(event);
        if (table.hasDoubted()) {
            scheduleGraceEnd();
        }
        if (changed || (event instanceof LeaseEvent.Reset && !told)) {
            scheduleTelling();
        }
        if (!table.holdsOwn() || event instanceof LeaseEvent.Reset || isOwn(event)) {
            confirmSoon();
        }
    }

    private boolean isOwn(LeaseEvent event) {
        Lease own = keeper.own();
        return own != null
                && event instanceof LeaseEvent.Added added
                && added.lease().subnets().equals(own.subnets());
    }

    /** Changes that come at once are told at once; what follows closely behind is told together. */
    private void scheduleTelling() {
        if (!telling) {
            telling = true;
            queues.control().after(told ? GATHER : Duration.ZERO, this::tell);
        }
    }

    private void tell() {
        telling = false;
        if (!over) {
            told = true;
            host.onPeers(fenced ? List.of() : table.peers());
        }
    }

    private void scheduleGraceEnd() {
        if (graceEnd != null) {
            return;
        }
        graceEnd = queues.control().after(GRACE, () -> {
            graceEnd = null;
            if (table.dropDoubted()) {
                scheduleTelling();
            }
        });
    }

    private void checkFence() {
        if (over) {
            return;
        }
        Duration left = keeper.untilExpiry(); // read once: the end may fall between two readings
        boolean expired = left != null && left.isNegative();
        if (expired != fenced) {
            fenced = expired;
            log.warn(
                    "{}",
                    expired
                            ? "our lease has ended and could not be renewed: sending nothing from it until it is"
                            : "our lease is renewed: sending again");
            host.onFenced(expired);
            tell();
        }
        if (fenceCheck != null) {
            fenceCheck.cancel();
        }
        if (left != null && !expired) {
            fenceCheck = queues.control().after(left.plusMillis(1), this::checkFence);
        }
    }

    private void confirmSoon() {
        if (!securing) {
            securing = true;
            queues.keeping().run(() -> {
                queues.control().run(() -> securing = false);
                secure(false);
            });
        }
    }

    private void scheduleRenewal() {
        if (nextRenewal != null) {
            nextRenewal.cancel();
        }
        nextRenewal = queues.keeping().after(keeper.untilRenewal(), () -> secure(true));
    }

    private void secure(boolean renew) {
        if (over) {
            return;
        }
        LeaseKeeper.Outcome outcome = renew ? keeper.renew(attributes) : keeper.confirm(attributes);
        switch (outcome) {
            case HELD -> {
                retries.reset();
                scheduleRenewal();
                queues.control().run(this::onHeld);
            }
            case UNKNOWN -> {
                if (nextRenewal != null) {
                    nextRenewal.cancel();
                }
                nextRenewal = queues.keeping().after(retries.next(), () -> secure(renew));
            }
            case LOST -> {
                over = true;
                queues.control().run(host::onLost);
            }
        }
    }

    private void onHeld() {
        Lease own = keeper.own();
        if (!over && own != null) {
            host.onOwn(own);
            checkFence();
        }
    }

    /** Nothing more is told once the control queue has come to this. */
    @Override
    public void close() {
        over = true;
        follower.close();
    }
}

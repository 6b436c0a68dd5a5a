package io.flannelj.lease.loop;

import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.machine.LeaseStatus;
import java.time.Instant;
import java.util.Optional;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A change of this node's lease in Java's flight recorder. */
@Name("io.flannelj.Lease")
@Label("Lease")
@Category("flanneld-j")
@Description("What became of this node's lease")
@StackTrace(false)
final class LeaseTransition extends Event {
    @Label("Change")
    @Description("held, renewed, fenced or lost")
    final String change;

    @Label("Subnets")
    final String subnets;

    @Label("Ends")
    @Description("When it ends unless it is renewed, RFC 3339; none of a reservation, nor of one that is lost")
    final @Nullable String ends;

    private LeaseTransition(String change, PodSubnets subnets, @Nullable Instant ends) {
        this.change = change;
        this.subnets = subnets.toString();
        this.ends = ends == null ? null : ends.toString();
    }

    /** What there is to record when the status changes to {@code now}; empty where nothing happened to the lease. */
    static Optional<LeaseTransition> between(@Nullable LeaseStatus before, LeaseStatus now) {
        if (now instanceof LeaseStatus.Lost lost) {
            return Optional.of(new LeaseTransition("lost", lost.subnets(), null));
        }
        if (now instanceof LeaseStatus.Fenced fenced) {
            return Optional.of(of("fenced", fenced.lease()));
        }
        if (now instanceof LeaseStatus.Held held) {
            StoredLease last = lease(before);
            if (last == null || !last.subnets().equals(held.lease().subnets())) {
                return Optional.of(of("held", held.lease()));
            }
            if (last.version() != held.lease().version() || before instanceof LeaseStatus.Fenced) {
                return Optional.of(of("renewed", held.lease()));
            }
        }
        return Optional.empty();
    }

    private static LeaseTransition of(String change, StoredLease lease) {
        return new LeaseTransition(change, lease.subnets(), lease.lease().expiresAt());
    }

    private static @Nullable StoredLease lease(@Nullable LeaseStatus status) {
        if (status instanceof LeaseStatus.Held held) {
            return held.lease();
        }
        return status instanceof LeaseStatus.Fenced fenced ? fenced.lease() : null;
    }
}

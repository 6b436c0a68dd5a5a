package io.flannelj.lease.loop;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.machine.LeaseState;
import io.flannelj.lease.machine.LeaseStatus;
import io.flannelj.lease.machine.Observation;
import io.flannelj.lease.machine.Step;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;

/** The loop with a fault put back, where the world has one of its. */
final class MutatedLoop extends LeaseLoop {
    private final SimulatedWorld world;
    private final Set<StoredLease> missed = new HashSet<>();

    MutatedLoop(
            SimulatedWorld world,
            SubnetManager client,
            StoreHealth health,
            Clock clock,
            TaskQueue turns,
            TaskQueue calls) {
        super(client, health, clock, world.random.split(), world.terms, turns, calls);
        this.world = world;
    }

    @Override
    LeaseStatus status(LeaseState of, Instant now) {
        LeaseStatus status = super.status(of, now);
        if (world.mutation == Mutation.FENCE_READS_CLOCK_TWICE && status instanceof LeaseStatus.Fenced fenced) {
            Instant first = now.minusMillis(world.random.nextInt(10)); // as coarse as /proc/uptime
            if (!first.isBefore(Objects.requireNonNull(fenced.lease().lease().expiresAt()))
                    && !missed.contains(fenced.lease())) {
                return status;
            }
            missed.add(fenced.lease());
            return new LeaseStatus.Held(fenced.lease(), true);
        }
        return status;
    }

    @Override
    Duration pause(Step step, Instant now) {
        return world.mutation == Mutation.TIMERS_IGNORE_SUSPENSION
                ? Duration.between(
                                now,
                                step.again().isBefore(now.plusSeconds(3600)) ? step.again() : now.plusSeconds(3600))
                        .plusMillis(1)
                : super.pause(step, now);
    }

    @Override
    Step step(LeaseState from, Observation seen, Instant now) {
        Step step = mutated(from, seen, now);
        world.changed |= !step.state().duplicate().isEmpty();
        return step;
    }

    private Step mutated(LeaseState from, Observation seen, Instant now) {
        if (world.mutation == Mutation.EVERY_REWRITE_IS_A_RIVAL
                && seen instanceof Observation.Listed listed
                && from.statusAt(now) instanceof LeaseStatus.Held held
                && held.confirmed()) {
            return super.step(
                    from,
                    new Observation.Listed(listed.leases().stream()
                            .map(lease -> lease.subnets().equals(held.lease().subnets())
                                            && lease.version() != held.lease().version()
                                    ? rival(lease)
                                    : lease)
                            .toList()),
                    now);
        }
        return super.step(from, seen, now);
    }

    private StoredLease rival(StoredLease lease) {
        LeaseAttributes says = lease.lease().attributes();
        return new StoredLease(
                new Lease(lease.subnets(), new LeaseAttributes(says.publicIps(), "rival"), null),
                lease.version(),
                lease.storeLeaseId());
    }
}

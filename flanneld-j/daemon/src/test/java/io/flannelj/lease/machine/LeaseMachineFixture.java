package io.flannelj.lease.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.LeaseJson;
import io.flannelj.lease.MemorySubnetManager;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.UnassignedException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** The machine over a store that answers at once; what it does over time is {@code ClusterSimulation}'s. */
abstract class LeaseMachineFixture {
    static final Duration DAY = Duration.ofHours(24);

    final SetClock clock = new SetClock();
    final MemorySubnetManager store = new MemorySubnetManager(clock);
    int nodes;

    static Cidr ipv4(PodSubnets subnets) {
        return subnets.byFamily().require(IpFamily.IPV4);
    }

    /** How it stands after everything was asked that the machine wanted to know. */
    enum Outcome {
        HELD,
        UNKNOWN,
        LOST
    }

    Node aNode() {
        return new Node(nodes++);
    }

    /** Somebody writes the one lease again. */
    void rewrite(LeaseAttributes attributes) throws StoreException {
        assertThat(store.update(store.list().leases().get(0), attributes, DAY)).isPresent();
    }

    final class Node {
        private final Random random;
        volatile @Nullable LeaseState state;

        Node(int seed) {
            this.random = new Random(seed);
        }

        /** Tries until there is a lease. */
        Lease acquire(
                NetworkConfig config,
                LeaseAttributes attributes,
                @Nullable PodSubnets previous,
                @Nullable LeaseCache saved) {
            Optional<Lease> lease = attempt(config, attributes, previous, saved);
            while (lease.isEmpty()) {
                try {
                    Thread.sleep(2);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                drive(new Observation.Elapsed(), state.pace().due());
                lease = held();
            }
            return lease.get();
        }

        /** One try. */
        Optional<Lease> attempt(
                NetworkConfig config,
                LeaseAttributes attributes,
                @Nullable PodSubnets previous,
                @Nullable LeaseCache saved) {
            Goal goal = new Goal(config, attributes, previous, saved, store.assigns());
            Terms terms = new Terms(DAY, Duration.ofHours(1));
            state = state == null ? LeaseState.acquiring(terms, goal) : state.acquiring(goal);
            drive(new Observation.Elapsed(), clock.now);
            return held();
        }

        /** The renewal, as if its time had come. */
        Outcome renew(LeaseAttributes attributes) {
            state = state.announcing(attributes);
            return drive(new Observation.Elapsed(), later(state.pace().due(), clock.now));
        }

        /** A look at the store because something was written there. */
        Outcome confirm(LeaseAttributes attributes) {
            state = state.announcing(attributes).looking();
            return drive(
                    new Observation.Elapsed(),
                    state.pace().failures() > 0 ? state.pace().due() : clock.now);
        }

        /** What time alone brings about. */
        Outcome look() {
            return drive(new Observation.Elapsed(), clock.now);
        }

        Outcome drive(Observation first, Instant now) {
            Step step = LeaseMachine.step(state, first, now, random.nextLong());
            while (!(step.action() instanceof Action.Hold)) {
                step = LeaseMachine.step(step.state(), perform(step.action()), now, random.nextLong());
            }
            state = step.state();
            return state.phase() instanceof Phase.Lost
                    ? Outcome.LOST
                    : state.pace().failures() > 0 ? Outcome.UNKNOWN : Outcome.HELD;
        }

        private Observation perform(Action action) {
            try {
                if (action instanceof Action.Create create) {
                    return written(store.create(create.subnets(), create.attributes(), DAY));
                }
                if (action instanceof Action.Update update) {
                    return written(store.update(update.known(), update.attributes(), DAY));
                }
                if (action instanceof Action.Delete delete) {
                    store.delete(delete.known());
                    return new Observation.LookAgain();
                }
                Optional<PodSubnets> assigned = store.assigned(state.goal().config());
                return assigned.isPresent()
                        ? new Observation.Assigned(assigned.get(), store.notes())
                        : new Observation.Listed(store.list().leases());
            } catch (UnassignedException e) {
                return new Observation.Unassigned(e.problem());
            } catch (StoreException e) {
                return new Observation.Failed(e.problem());
            }
        }

        private Observation written(Optional<StoredLease> lease) {
            return lease.isPresent() ? new Observation.Written(lease.get()) : new Observation.LookAgain();
        }

        private Optional<Lease> held() {
            return Optional.ofNullable(stored()).map(StoredLease::lease);
        }

        @Nullable
        StoredLease stored() {
            LeaseStatus status = state.statusAt(clock.now);
            return status instanceof LeaseStatus.Held held
                    ? held.lease()
                    : status instanceof LeaseStatus.Fenced fenced ? fenced.lease() : null;
        }

        Lease own() {
            return held().orElseThrow();
        }

        boolean hasExpired() {
            return state.statusAt(clock.now) instanceof LeaseStatus.Fenced;
        }

        boolean isFromDisk() {
            return state.statusAt(clock.now) instanceof LeaseStatus.Held held && !held.confirmed();
        }

        Duration untilRenewal() {
            return Duration.between(clock.now, state.pace().due());
        }

        String waitingFor() {
            return state == null ? "" : state.waitingFor();
        }

        String duplicate() {
            return state.duplicate();
        }
    }

    static Instant later(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }

    static LeaseAttributes vxlan(String mac) {
        return LeaseJson.parse("{\"PublicIP\":\"192.168.0.1\",\"BackendType\":\"vxlan\","
                        + "\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"" + mac + "\"}}")
                .orElseThrow();
    }

    static NetworkConfig config(String network) throws Exception {
        return NetworkConfig.parse("{\"Network\": \"" + network + "\"}");
    }

    static PodSubnets subnet(String cidr) {
        return PodSubnets.of(Cidr.parse(cidr));
    }

    static LeaseAttributes node(int number) {
        return LeaseAttributes.ofIpv4(IpAddress.parse("192.168.0." + number), "", null);
    }

    static final class SetClock extends Clock {
        volatile Instant now = Instant.parse("2026-11-24T00:00:00Z");

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}

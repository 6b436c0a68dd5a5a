package io.flannelj.lease.loop;

import io.flannelj.lease.LeaseEvent;
import io.flannelj.lease.SubnetManager;
import java.util.function.Consumer;

/** The follower with a fault put back, where the world has one of its. */
final class MutatedFollower extends LeaseFollower {
    private final SimulatedWorld world;

    MutatedFollower(
            SimulatedWorld world,
            SubnetManager client,
            StoreHealth health,
            TaskQueue watching,
            Consumer<LeaseEvent> events) {
        super(client, health, watching, world.random.split(), events);
        this.world = world;
    }

    @Override
    void onSilence(int from) {
        if (world.mutation != Mutation.SILENCE_IS_BELIEVED) {
            super.onSilence(from);
        }
    }

    @Override
    void onDefect(int from, Throwable defect) {
        if (world.mutation != Mutation.DEFECT_ENDS_FOLLOWING) {
            super.onDefect(from, defect);
        }
    }
}

package io.flannelj.lease;

import java.time.Clock;

class MemorySubnetManagerTest extends SubnetManagerContract {
    private final MemorySubnetManager store = new MemorySubnetManager(Clock.systemUTC());

    @Override
    protected SubnetManager store() {
        return store;
    }

    @Override
    protected void writeConfig(String document) {
        store.writeConfig(document);
    }

    @Override
    protected void reserve(PodSubnets subnets, LeaseAttributes attributes) {
        store.reserve(subnets, attributes);
    }
}

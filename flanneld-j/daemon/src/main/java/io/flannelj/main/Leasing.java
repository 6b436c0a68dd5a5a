package io.flannelj.main;

import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.loop.LeaseLoop;
import io.flannelj.lease.loop.StartupReader;
import io.flannelj.lease.loop.StoreHealth;

/** The store, and what reads and writes it for as long as the daemon runs. */
record Leasing(SubnetManager store, StoreHealth health, StartupReader reader, LeaseLoop loop, LeaseArchive archive) {
    /** What waits for the store on the way to a lease, human-readable; empty for nothing. */
    String waitingFor() {
        return reader.waitingFor().isEmpty() ? loop.waitingFor() : reader.waitingFor();
    }

    /** Waits no longer. */
    void close() {
        reader.close();
        loop.close();
    }
}

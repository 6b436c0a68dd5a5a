package io.flannelj.main;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.Moment;
import io.flannelj.lease.StoredLease;
import io.flannelj.lease.loop.TaskQueue;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file in which a node keeps its last lease and peers. A disk that refuses is said once and costs nothing else, and who
 * writes does not wait for it.
 */
final class LeaseArchive {
    private static final Logger log = LoggerFactory.getLogger(LeaseArchive.class);

    private final Path file;
    private final String location;
    private final Supplier<Moment> clocks;
    private final TaskQueue disk;
    private boolean refused;

    /**
     * @param location of the store; what was written down of another one does not count
     * @param disk does one thing after the other, so that what is read is what was written or forgotten last
     */
    LeaseArchive(Path stateDirectory, String location, Supplier<Moment> clocks, TaskQueue disk) {
        this.file = stateDirectory.resolve("leases.json");
        this.location = location;
        this.clocks = clocks;
        this.disk = disk;
    }

    /** Waits for the disk. */
    Optional<LeaseCache> read() {
        return CompletableFuture.supplyAsync(() -> LeaseCache.read(file, location, clocks.get()), disk::run)
                .join();
    }

    void write(String config, StoredLease own, List<Lease> peers, long revision) {
        Moment now = clocks.get();
        LeaseCache cache = new LeaseCache(location, now.instant(), config, own, peers, revision);
        disk.run(() -> {
            try {
                cache.write(file, now);
                refused = false;
            } catch (IOException e) {
                if (!refused) {
                    log.warn(
                            "{} cannot be written, so a restart without the store will not serve: {}",
                            file,
                            e.toString());
                    refused = true;
                }
            }
        });
    }

    /** What was written down does not hold any more. */
    void forget() {
        disk.run(() -> file.toFile().delete());
    }
}

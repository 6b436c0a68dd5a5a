package io.flannelj.main;

import io.flannelj.lease.Lease;
import io.flannelj.lease.StoredLease;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the archive is to hold for a later run that finds the store away: written once it is complete and has changed. */
final class ArchiveDraft {
    private final LeaseArchive archive;
    private @Nullable StoredLease own;
    private String config = "";
    private boolean changed;

    ArchiveDraft(LeaseArchive archive) {
        this.archive = archive;
    }

    /** The archive has this network config already. */
    void beginWith(String archived) {
        config = archived;
    }

    /** Takes a network config that is obeyed: the next start may have no other. */
    void config(String obeyed) {
        config = obeyed;
        changed = true;
    }

    void own(StoredLease lease) {
        own = lease;
        changed = true;
    }

    void peersChanged() {
        changed = true;
    }

    /** This node's lease is over, and so is what the archive says. */
    void forget() {
        archive.forget();
        changed = false;
    }

    /**
     * Writes it. A disk that refuses costs just that.
     *
     * @param peers all of them
     * @param revision of the store that they are of; 0 when the store has not said yet
     */
    void write(List<Lease> peers, long revision) {
        StoredLease lease = own;
        if (changed && lease != null && !config.isEmpty() && revision != 0) {
            changed = false;
            archive.write(config, lease, peers, revision);
        }
    }
}

package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.lease.Lease;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the backend of those peers that are obeyed; of none while our lease is fenced, for then nothing may be sent from it.
 * Confined to the control thread.
 */
final class PeersInForce {
    private static final Logger log = LoggerFactory.getLogger(PeersInForce.class);

    private final PeerAdmission admission;
    private final Backend backend;
    private final ArchiveDraft archive;
    private final SessionReport report;
    private boolean offered;
    private boolean listed;

    PeersInForce(PeerAdmission admission, Backend backend, ArchiveDraft archive, SessionReport report) {
        this.admission = admission;
        this.backend = backend;
        this.archive = archive;
        this.report = report;
    }

    /** All leases of other nodes, as the store has them from now on; obeyed with the next {@link #apply}. */
    void offer(Collection<Lease> leases) {
        admission.offer(leases);
        offered = true;
    }

    /** Whether what the store has was applied once. */
    boolean areListed() {
        return listed;
    }

    /** Brings them into force, as far as the backend can, and returns them. */
    List<Lease> apply() {
        SessionStatus before = report.status();
        List<Lease> peers = before.fenced() ? before.peers() : admission.admit(before.config());
        report.setTrouble(Troubles.Topic.BACKEND, "");
        try {
            if (before.fenced()) {
                backend.fence();
            } else {
                backend.apply(peers);
            }
        } catch (IOException e) {
            report.setTrouble(Troubles.Topic.BACKEND, "not every peer can be reached: " + e.getMessage());
        }
        if (!peers.equals(before.peers())) {
            if (listed) {
                PeerNews.between(before.peers(), peers).forEach(line -> log.info("{}", line));
            }
            archive.peersChanged();
        }
        listed = offered;
        return peers;
    }
}

package io.flannelj.backend;

import io.flannelj.lease.Announcement;
import io.flannelj.lease.Lease;
import java.util.Optional;
import java.util.Set;

/** A peer's lease and the encapsulations that it says the peer takes. */
record PeerView(Lease lease, Announcement says) {
    static PeerView of(Lease lease) {
        return new PeerView(lease, Announcement.of(lease.attributes()));
    }

    /** The types of the encapsulations that the peer takes, the one it prefers first. */
    Set<String> types() {
        return says.decodes().keySet();
    }

    /** The lease as a node with that encapsulation alone would have it; empty when the peer does not take it. */
    Optional<Lease> as(String type) {
        return Optional.ofNullable(says.decodes().get(type))
                .map(attributes -> new Lease(lease.subnets(), attributes, lease.expiresAt()));
    }
}

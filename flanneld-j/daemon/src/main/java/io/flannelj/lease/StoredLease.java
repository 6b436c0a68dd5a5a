package io.flannelj.lease;

/**
 * A lease as it lies in the store, with what a later write must agree with.
 *
 * @param lease the lease
 * @param version changes with every write; a compare-and-swap names it
 * @param storeLeaseId the store's own handle for its expiry; 0 marks a reservation, which never expires
 */
public record StoredLease(Lease lease, long version, long storeLeaseId) {
    public PodSubnets subnets() {
        return lease.subnets();
    }

    /** Whether one write made both. A store that was restored from a snapshot gives versions out once more, but no handles. */
    public boolean isSameWriteAs(StoredLease other) {
        return version == other.version && storeLeaseId == other.storeLeaseId;
    }

    /** Whether it has the public address of a node: that is what makes it that node's. IPv4 decides where the node has it. */
    public boolean hasAddressOf(LeaseAttributes node) {
        return node.publicIps()
                .first()
                .map(address -> lease.attributes().publicIps().values().contains(address))
                .orElse(false);
    }

    /** Whether it says of a node what that says of itself. Numbers of JSON have several types, which are not equal to each other. */
    public boolean says(LeaseAttributes node) {
        return lease.attributes().equals(node)
                || LeaseJson.format(lease.attributes()).equals(LeaseJson.format(node));
    }

    /** Put there by an operator to stay: it is never given a time to live. */
    public boolean isReservation() {
        return storeLeaseId == 0;
    }
}

package io.flannelj.lease;

import java.util.Objects;

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

    /** Whether it has the public address of a node: that is what makes it that node's. IPv4 decides where the node has it. */
    public boolean hasAddressOf(LeaseAttributes node) {
        LeaseAttributes theirs = lease.attributes();
        return node.publicIpv4() != null
                ? Objects.equals(node.publicIpv4(), theirs.publicIpv4())
                : node.publicIpv6() != null && Objects.equals(node.publicIpv6(), theirs.publicIpv6());
    }

    /** Put there by an operator to stay: it is never given a time to live. */
    public boolean isReservation() {
        return storeLeaseId == 0;
    }
}

package io.flannelj.backend.vxlan;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.util.Optional;

/**
 * Another node's VTEP of one family.
 *
 * @param subnet what is behind it, network form
 * @param underlay where its tunnel ends
 */
record VtepPeer(Cidr subnet, IpAddress underlay, MacAddress mac) {
    /** Reads a lease of any backend; empty when it is not a vxlan lease, or has no side of this family. */
    static Optional<VtepPeer> of(Lease lease, boolean ipv4) {
        LeaseAttributes attributes = lease.attributes();
        Cidr subnet = ipv4 ? lease.subnets().ipv4() : lease.subnets().ipv6();
        IpAddress underlay = ipv4 ? attributes.publicIpv4() : attributes.publicIpv6();
        if (subnet == null || underlay == null) {
            return Optional.empty();
        }
        return VxlanLeaseData.of(attributes, ipv4).map(data -> new VtepPeer(subnet, underlay, data.vtepMac()));
    }
}

package io.flannelj.backend.vxlan;

import io.flannelj.lease.Lease;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
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
    static Optional<VtepPeer> of(Lease lease, IpFamily family) {
        return lease.side(family)
                .flatMap(side -> VxlanLeaseData.of(lease.attributes(), family)
                        .map(data -> new VtepPeer(side.subnet(), side.node(), data.vtepMac())));
    }
}

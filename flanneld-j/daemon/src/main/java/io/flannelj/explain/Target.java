package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where an address is, seen from this node.
 *
 * @param peer the node that has it, or whose pods have; null unless it is another one's
 */
record Target(IpAddress address, Kind kind, DaemonFacts.@Nullable Peer peer) {
    /** Places. */
    enum Kind {
        /** A pod of this node. */
        OWN_POD,
        /** This node itself. */
        OWN_NODE,
        /** In the pod network, and not of this node. */
        OTHER_POD,
        /** Another node itself. */
        OTHER_NODE,
        /** Neither. */
        OUTSIDE
    }

    static Target of(Host host, IpAddress address) {
        DaemonFacts daemon = host.daemon();
        if (host.podWith(address).isPresent()) {
            return new Target(address, Kind.OWN_POD, null);
        }
        if (host.isOwn(address)) {
            return new Target(address, Kind.OWN_NODE, null);
        }
        if (host.subnet(address.family())
                .filter(subnet -> subnet.contains(address))
                .isPresent()) {
            return new Target(address, Kind.OWN_POD, null);
        }
        if (host.network(address.family())
                .filter(network -> network.contains(address))
                .isPresent()) {
            return new Target(
                    address,
                    Kind.OTHER_POD,
                    daemon == null ? null : daemon.peerOf(address).orElse(null));
        }
        Optional<DaemonFacts.Peer> node = daemon == null ? Optional.empty() : daemon.peerAt(address.toString());
        return node.isPresent()
                ? new Target(address, Kind.OTHER_NODE, node.get())
                : new Target(address, Kind.OUTSIDE, null);
    }

    boolean isHere() {
        return kind == Kind.OWN_POD || kind == Kind.OWN_NODE;
    }

    /** The other node, where the way to it is usable. */
    Optional<DaemonFacts.Peer> usablePeer() {
        return Optional.ofNullable(peer).filter(found -> found.problem() == null);
    }
}

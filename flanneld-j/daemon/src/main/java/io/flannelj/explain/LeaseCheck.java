package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import java.util.Optional;

/** Which node has a pod's address, as the daemon knows it. */
final class LeaseCheck {
    private LeaseCheck() {}

    /**
     * Judges the lease of the node that a pod is on.
     *
     * @param pod address in the pod network
     */
    static Finding judge(String node, DaemonFacts daemon, IpAddress pod) {
        Optional<DaemonFacts.Peer> found = daemon.peerOf(pod);
        String doubt = daemon.storeProblem().isEmpty()
                ? ""
                : "; the store does not answer, so this is what it said last: " + daemon.storeProblem();
        if (found.isEmpty()) {
            return Finding.broken(
                    "the node of " + pod,
                    Hop.LEASE,
                    "no lease covers " + pod + ": its node's daemon does not run, or lost its lease" + doubt,
                    DaemonCheck.RESTART);
        }
        DaemonFacts.Peer peer = found.get();
        String problem = peer.problem();
        if (problem != null) {
            int split = problem.lastIndexOf("; ");
            String told = split < 0 ? "" : problem.substring(split + 2);
            boolean isMendedThere = told.startsWith("restart the daemon of that node");
            return Finding.broken(
                    isMendedThere ? peer.address() : node,
                    Hop.LEASE,
                    "the lease " + String.join(", ", peer.subnets()) + " of " + peer.address() + " is refused: "
                            + (split < 0 ? problem : problem.substring(0, split)),
                    isMendedThere ? DaemonCheck.RESTART : remedy(peer, told));
        }
        return Finding.ok(
                node,
                Hop.LEASE,
                String.join(", ", peer.subnets()) + " of " + peer.address()
                        + (peer.backend().isEmpty() ? "" : ", " + peer.backend()) + doubt);
    }

    private static String remedy(DaemonFacts.Peer peer, String told) {
        return told.contains("delete") && !peer.subnets().isEmpty()
                ? "flanneld-j leases release " + peer.subnets().get(0)
                : told.isEmpty() ? "flanneld-j peers" : told;
    }
}

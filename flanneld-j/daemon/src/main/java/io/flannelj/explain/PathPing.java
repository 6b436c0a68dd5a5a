package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The paths between this node and another, both ways, as the daemons' probes find them now. */
public final class PathPing {
    private PathPing() {}

    /**
     * What was found.
     *
     * @param node this one
     * @param peer the other one
     * @param there paths to it; none where they are not probed
     * @param back paths from it, as it says; none where it says nothing
     * @param backProblem why it says nothing; empty when it does
     * @param explanation what is to be said of both
     */
    public record Report(
            String node,
            DaemonFacts.Peer peer,
            List<PathFacts> there,
            List<PathFacts> back,
            String backProblem,
            Explanation explanation) {
        public Report {
            there = List.copyOf(there);
            back = List.copyOf(back);
        }
    }

    /**
     * Pings the node that has an address, or whose pods have; empty when no lease says which that is.
     *
     * @throws IOException when no daemon answers here
     */
    public static Optional<Report> of(Host host, IpAddress address) throws IOException {
        DaemonFacts daemon = host.daemon();
        if (daemon == null) {
            throw new IOException(host.daemonProblem());
        }
        Optional<DaemonFacts.Peer> peer = Target.of(host, address).usablePeer();
        return peer.isEmpty() ? Optional.empty() : Optional.of(ping(host, daemon, peer.get(), address));
    }

    private static Report ping(Host host, DaemonFacts daemon, DaemonFacts.Peer peer, IpAddress address)
            throws IOException {
        List<PathFacts> there = host.examine(peer.address());
        PeerQuery.Outcome outcome = PeerQuery.ask(
                daemon, peer, Query.paths(), PeerQuery.Patience.toConnect(PeerQuery.SECOND_SYN), () -> {});
        QueryAnswer answer = outcome.answer();
        List<Finding> findings =
                new ArrayList<>(PathCheck.judge(host.node(), peer.address(), PathCheck.Uplink.of(host, daemon), there));
        if (there.isEmpty()) {
            findings.add(Finding.unknown(
                    host.node(),
                    Hop.PATH_MTU,
                    "the path to " + peer.address()
                            + " is not probed: the kernel carries it, or --peer-probes is off"));
        } else if (there.stream().allMatch(path -> path.roundTripMillis().isEmpty())) {
            findings.add(Finding.broken(
                    host.node(), // explain looks at both ends, and at this one where the other does not answer
                    Hop.PEER,
                    peer.address() + " answers no probe through the tunnel",
                    "flanneld-j explain " + host.node() + " " + address));
        }
        if (answer != null) {
            answer.findings().forEach(finding -> findings.add(finding.on(peer.address())));
        }
        return new Report(
                host.node(),
                peer,
                there,
                answer == null ? List.of() : answer.paths(),
                answer == null ? outcome.detail() : "",
                new Explanation(host.node(), peer.address(), host.node(), findings));
    }
}

package io.flannelj.backend;

import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TunnelEnd;
import io.flannelj.net.Cidr;
import java.util.List;
import java.util.Set;

/**
 * One family of an open tunnel as those see it who test its paths: they send to its peers beside the workers, by sockets of
 * their own.
 *
 * @param device that packets to the peers go into
 * @param datapath knows the peers
 * @param end this node's
 * @param link how it was opened, and opens what test packets are sent by
 * @param direct subnets that plain routes lead to, past the tunnel
 */
public record TestedPath(String device, Datapath datapath, TunnelEnd end, TunnelSpec.Link link, Set<Cidr> direct) {
    public TestedPath {
        direct = Set.copyOf(direct);
    }

    /** The peers, as they are now; the same list while they are the same. */
    public List<Peer> known() {
        return datapath.peers();
    }

    /** Whether a peer is sent to by this tunnel; of others it only takes packets. */
    public boolean isSentTo(Peer peer) {
        return peer.port() == link.endpoint().port() && !direct.contains(peer.subnet());
    }
}

package io.flannelj.backend;

import io.flannelj.lease.PodSubnets;
import io.flannelj.net.Cidr;
import io.flannelj.net.PerFamily;
import java.io.IOException;
import java.util.List;

/**
 * Where traffic to other nodes' pods may be sent at all: strictly inside the pod network, and not to our own subnet. Whatever
 * makes routes, neighbours, FDB entries or data path tables for a peer asks here last, whoever asked for them.
 *
 * @param networks the pod networks
 * @param own this node's subnets
 */
public record PodDestinations(List<Cidr> networks, List<Cidr> own) {
    public PodDestinations {
        networks = List.copyOf(networks);
        own = List.copyOf(own);
    }

    /** Of a node that holds these subnets. */
    public static PodDestinations of(PerFamily<Cidr> networks, PodSubnets own) {
        return new PodDestinations(networks.values(), own.all());
    }

    /** Whether a peer's pods can be there. */
    public boolean cover(Cidr destination) {
        return isInNetwork(destination) && own.stream().noneMatch(destination::overlaps);
    }

    /** Whether it is strictly inside a pod network. */
    boolean isInNetwork(Cidr destination) {
        return networks.stream().anyMatch(network -> network.containsPart(destination));
    }

    /** @throws IOException when a peer's pods cannot be there */
    void require(Cidr destination) throws IOException {
        if (!cover(destination)) {
            throw new IOException("refused to send " + destination + " to a peer: it is not inside "
                    + (networks.isEmpty() ? "any pod network" : networks) + ", or overlaps this node's own " + own);
        }
    }
}

package io.flannelj.backend;

import io.flannelj.backend.Migration.Way;
import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.Peer;
import io.flannelj.lease.Lease;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.TunnelEndpoint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * An open tunnel. In a dual-stack network it has two links side by side as flannel has them: IPv4 pods over the IPv4 underlay,
 * IPv6 pods over the IPv6 underlay, each with a device, a socket and workers of its own, so that neither family waits for the
 * other and nothing on the packet path asks which it is.
 *
 * <p>Confined to the control thread, but for the plain getters.
 */
final class Tunnel implements AutoCloseable {
    private final TunnelSpec spec;
    private final List<TunnelLink> links;

    private Tunnel(TunnelSpec spec, List<TunnelLink> links) {
        this.spec = spec;
        this.links = List.copyOf(links);
    }

    /** Opens all links or none, with nothing routed into them yet; see {@link TunnelLink#open}. */
    static Tunnel open(TunnelSpec spec, Lease own, Consumer<String> onLost) throws IOException {
        List<TunnelLink> links = new ArrayList<>();
        try {
            for (TunnelSpec.Link link : spec.links()) {
                links.add(TunnelLink.open(spec, link, own.subnets(), onLost));
            }
            return new Tunnel(spec, links);
        } catch (IOException | RuntimeException e) {
            links.forEach(TunnelLink::close);
            throw e;
        }
    }

    TunnelSpec spec() {
        return spec;
    }

    String type() {
        return spec.type();
    }

    List<String> superPackets() {
        return links.stream().map(TunnelLink::superPackets).toList();
    }

    List<String> deviceNames() {
        return links.stream().map(TunnelLink::deviceName).toList();
    }

    Stream<TunnelEndpoint> endpoints() {
        return spec.links().stream().map(TunnelSpec.Link::endpoint);
    }

    /** What all links take, since a pod's interface has one MTU for both families. */
    int mtuBytes() {
        return spec.links().stream().mapToInt(TunnelSpec.Link::mtuBytes).min().orElseThrow();
    }

    List<Datapath> datapaths() {
        return links.stream().map(TunnelLink::datapath).toList();
    }

    List<TestedPath> testedPaths(Set<Cidr> direct) {
        return links.stream().map(link -> link.testedPath(direct)).toList();
    }

    /** The whole pod network, by family. */
    Set<Cidr> networks() {
        return spec.links().stream().map(TunnelSpec.Link::network).collect(Collectors.toSet());
    }

    /**
     * Takes the peers. Where this is the tunnel that they migrate to, those that are sent to by another one may send by it all
     * the same: they may learn of us before we learn of them. By a tunnel of an earlier config only those send that accept it:
     * a node that does not know it keeps its pods from other ports.
     *
     * @param primary whether it is the tunnel of the network config
     */
    void know(List<Way> ways, boolean primary) {
        for (TunnelLink link : links) {
            link.know(ways.stream()
                    .flatMap(way -> spec
                            .peer(way.peer(), link.spec())
                            .or(() -> way.type().equals(type()) || !primary
                                    ? Optional.empty()
                                    : sender(way.peer().lease(), link.spec().family()))
                            .stream())
                    .toList());
        }
    }

    /** A peer that nothing is routed to here. */
    private static Optional<Peer> sender(Lease lease, IpFamily family) {
        return lease.side(family).map(side -> new Peer(side.subnet(), side.node(), 0, 0));
    }

    /** Puts devices and routes in order, with these destinations routed into it; see {@link TunnelLink#carry}. */
    void carry(Set<Cidr> destinations) throws IOException {
        BestEffort attempts = new BestEffort();
        for (TunnelLink link : links) {
            attempts.run(() -> link.carry(destinations.stream()
                    .filter(destination -> destination.family() == link.spec().family())
                    .collect(Collectors.toSet())));
        }
        attempts.throwIfAny();
    }

    @Override
    public void close() {
        links.forEach(TunnelLink::close);
    }
}

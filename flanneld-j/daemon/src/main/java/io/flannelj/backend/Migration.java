package io.flannelj.backend;

import io.flannelj.lease.Announcement;
import io.flannelj.lease.LeaseAttributes;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the leases of the peers make of the tunnels that are open here: which of them each peer is sent to by, which an earlier
 * network config asked for and a peer still needs, and which our own lease names. Pure.
 *
 * @param primary type of the network config's tunnel
 * @param open the tunnels by type, in the order in which our lease names them
 * @param unheard types of those that were opened just now, so that not every peer has heard of them
 * @param peers the other nodes
 */
record Migration(String primary, Map<String, TunnelSpec> open, Set<String> unheard, List<PeerView> peers) {
    /**
     * Which tunnel packets for a peer go into.
     *
     * @param type of a tunnel that reaches the peer
     */
    record Way(PeerView peer, String type) {}

    /** The ways to all peers but those whose lease has what we need to know for none of our tunnels. */
    List<Way> ways() {
        return peers.stream().flatMap(peer -> way(peer).stream()).toList();
    }

    /**
     * What was opened just now comes last: a peer takes packets by an earlier tunnel of its own only from who accepts such, and
     * has to hear of it first.
     */
    private Optional<Way> way(PeerView peer) {
        return Stream.concat(Stream.of(primary), peer.types().stream())
                .distinct()
                .sorted(Comparator.comparing(unheard::contains)) // stable
                .filter(type -> Stream.ofNullable(open.get(type)).anyMatch(tunnel -> tunnel.reaches(peer)))
                .findFirst()
                .map(type -> new Way(peer, type));
    }

    /** The names of the peers that take packets of a type and none of the primary one. */
    Set<String> takingOnly(String type) {
        return peers.stream()
                .filter(peer -> peer.types().contains(type) && !peer.types().contains(primary))
                .map(peer -> TunnelMemory.name(peer.lease()))
                .collect(Collectors.toSet());
    }

    /** Whether a peer that was reached by an earlier tunnel still takes nothing newer. */
    boolean needs(TunnelMemory.Earlier earlier) {
        return takingOnly(earlier.backend().type()).stream().anyMatch(earlier.peers()::contains);
    }

    /** What our own lease says. */
    LeaseAttributes announcement() {
        Map<String, LeaseAttributes> decodes = new LinkedHashMap<>();
        open.forEach((type, tunnel) -> decodes.put(type, tunnel.attributes()));
        return new Announcement(preferred(), decodes).toAttributes();
    }

    /**
     * What our lease names as its type. A node of flannel's with vxlan takes no other lease for a peer's, whereas one with udp
     * takes any; so while there is one of the former, that is what we are.
     */
    private String preferred() {
        return peers.stream()
                .filter(peer -> !Announcement.saysMore(peer.lease().attributes()))
                .filter(peer -> !peer.lease().attributes().backendType().isEmpty())
                .map(peer -> peer.says().preferred())
                .filter(open::containsKey)
                .filter(type -> !type.equals(primary))
                .findFirst()
                .orElse(primary);
    }
}

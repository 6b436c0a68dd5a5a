package io.flannelj.explain;

import io.flannelj.cni.engine.KnownPod;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What people call the addresses of packets: this node's pods by name, the ends of tunnels as the node's, other nodes' pods as
 * those tell if they are to be asked, all others as they are. An unknown address of this node lets the host be looked at again, for pods come and go. Used by one thread.
 */
public final class PodNames {
    private static final long LOOK_AGAIN_NANOS = 2_000_000_000L;

    private final Looking looking;
    private final Map<IpAddress, String> names = new HashMap<>();
    private List<Cidr> ownSubnets = List.of();
    private final boolean asksOthers;
    private @Nullable PeerNames others;
    private long lookedAtNanos;

    /** Looks at this host; whoever asks for that closes what is found. */
    public interface Looking {
        Host look() throws IOException;
    }

    /**
     * Looks.
     *
     * @param asksOthers whether other nodes are asked for the names of their pods
     * @throws IOException when this host cannot be looked at
     */
    public PodNames(Looking looking, boolean asksOthers) throws IOException {
        this.looking = looking;
        this.asksOthers = asksOthers;
        look();
    }

    private void look() throws IOException {
        lookedAtNanos = System.nanoTime();
        try (Host host = looking.look()) {
            Map<IpAddress, String> found = new HashMap<>();
            DaemonFacts daemon = host.daemon();
            if (daemon != null) {
                learnOthers(daemon);
                ownSubnets = cidrs(daemon.subnets());
                ownSubnets.forEach(subnet -> found.put(subnet.address(), daemon.node()));
                daemon.peers().stream()
                        .filter(peer -> peer.problem() == null)
                        .forEach(peer ->
                                cidrs(peer.subnets()).forEach(subnet -> found.put(subnet.address(), peer.address())));
            }
            for (KnownPod pod : host.pods()) {
                pod.addresses().forEach(address -> found.put(address, pod.name()));
            }
            names.clear();
            names.putAll(found);
        }
    }

    private void learnOthers(DaemonFacts daemon) {
        if (others != null) {
            others.update(daemon);
        } else if (asksOthers) {
            others = new PeerNames(daemon);
        }
    }

    private static List<Cidr> cidrs(List<String> texts) {
        return texts.stream().flatMap(text -> Cidr.tryParse(text).stream()).toList();
    }

    /** The name of an address, or the address. */
    public String of(IpAddress address) {
        @Nullable String name = names.get(address);
        if (name == null
                && ownSubnets.stream().anyMatch(subnet -> subnet.contains(address))
                && System.nanoTime() - lookedAtNanos > LOOK_AGAIN_NANOS) {
            try {
                look();
            } catch (IOException e) {
                return address.toString(); // until the next time
            }
            name = names.get(address);
        }
        if (name == null && others != null && ownSubnets.stream().noneMatch(subnet -> subnet.contains(address))) {
            name = others.of(address);
        }
        return name == null ? address.toString() : name;
    }
}

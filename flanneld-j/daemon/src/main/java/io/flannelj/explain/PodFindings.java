package io.flannelj.explain;

import io.flannelj.cni.engine.KnownPod;
import io.flannelj.explain.filter.Passage;
import io.flannelj.linux.Background;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.netlink.Link;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The findings of a pod of this node, from its interface to the bridge, for either end of a way. */
final class PodFindings {
    private final Host host;
    private final IpAddress address;
    private final KnownPod pod;
    private final PodOutside.Facts outside;
    private final PodInside.@Nullable Facts inside;
    private final String notInside;

    private PodFindings(
            Host host,
            IpAddress address,
            KnownPod pod,
            PodOutside.Facts outside,
            PodInside.@Nullable Facts inside,
            String notInside) {
        this.host = host;
        this.address = address;
        this.pod = pod;
        this.outside = outside;
        this.inside = inside;
        this.notInside = notInside;
    }

    /**
     * Looks at the pod.
     *
     * @param other the other end
     * @param port that somebody should listen at; 0 for none
     */
    static PodFindings gather(Host host, KnownPod pod, IpAddress address, IpAddress other, int protocol, int port)
            throws IOException {
        PodOutside.Facts outside = PodOutside.gather(host, pod, gateway(host, address));
        PodInside.Facts inside = null;
        String problem = "";
        try {
            inside = PodInside.gather(pod, address, other, protocol, port);
        } catch (IOException e) {
            problem = String.valueOf(e.getMessage());
        }
        return new PodFindings(host, address, pod, outside, inside, problem);
    }

    private static @Nullable Cidr gateway(Host host, IpAddress address) {
        return host.subnet(address.family())
                .filter(own -> own.contains(address))
                .map(Cidr::gateway)
                .orElse(null);
    }

    String bridge() {
        return pod.bridge();
    }

    /** Interface and route, as they are from inside. */
    List<Finding> inside(IpAddress other) {
        String node = host.node();
        PodInside.Facts facts = inside;
        if (facts == null) {
            return List.of(Finding.unknown(
                    node, Hop.POD, "pod " + pod.name() + " cannot be looked into from here: " + notInside));
        }
        Cidr gateway = outside.gateway();
        Finding pod = PodInside.judgeInterface(node, facts, gateway);
        return pod.isBroken()
                ? List.of(pod)
                : List.of(pod, PodInside.judgeRoute(node, facts, other, gateway == null ? null : gateway.address()));
    }

    Finding veth() {
        return PodOutside.judgeVeth(host.node(), outside);
    }

    Finding bridgeFinding() {
        return PodOutside.judgeBridge(host.node(), outside);
    }

    /** Begins to ask who has the pod's address; empty where that cannot be asked. */
    Optional<CompletableFuture<Finding>> beginToAskHolders() {
        return address.isIpv6() || outside.gateway() == null
                ? Optional.empty()
                : Optional.of(Background.begin("explain", this::holders));
    }

    private Finding holders() throws SyscallException {
        Set<MacAddress> holders = PodOutside.holders(outside, address);
        PodInside.Facts facts = inside;
        Link link = facts == null ? null : facts.link();
        return PodOutside.judgeAddress(
                host.node(),
                address,
                holders,
                link == null ? null : link.mac(),
                holders.size() > 1 ? others() : List.of());
    }

    /** This node's other pods that have the address, by the command that takes it away. */
    private List<String> others() {
        return host.pods().stream()
                .filter(other -> !other.equals(pod))
                .flatMap(this::removal)
                .toList();
    }

    /** None of one that cannot be looked into. */
    private Stream<String> removal(KnownPod other) {
        try {
            return PodInside.gather(other, address, address, 0, 0).addresses().stream()
                    .filter(held -> held.cidr().address().equals(address))
                    .map(held -> "nsenter --net=" + other.netns() + " ip addr del " + held.cidr() + " dev "
                            + other.ifName());
        } catch (IOException e) {
            return Stream.empty();
        }
    }

    Optional<Finding> socket(int protocol, int port) {
        PodInside.Facts facts = inside;
        return facts == null || port == 0
                ? Optional.empty()
                : Optional.of(PodInside.judgeSocket(host.node(), facts, protocol, port));
    }

    /** Begins to send a packet of our own from the pod; empty where the pod cannot be entered, or nobody would answer. */
    Optional<CompletableFuture<Finding>> beginToSend(Question question) {
        return inside == null || question.protocol() == Passage.UDP
                ? Optional.empty()
                : Optional.of(Background.begin("explain", () -> packet(question)));
    }

    private Finding packet(Question question) {
        try {
            return PacketCheck.judge(host.node(), PacketCheck.gather(host, pod, question));
        } catch (IOException e) {
            return Finding.unknown(host.node(), Hop.PACKET, "nothing could be sent: " + e.getMessage());
        }
    }
}

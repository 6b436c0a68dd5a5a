package io.flannelj.explain;

import io.flannelj.cni.engine.KnownPod;
import io.flannelj.linux.ArpQuestion;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Link;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The node's end of a pod's wiring: the veth pair, the bridge, and who on it has the pod's address. */
final class PodOutside {
    private static final int LISTENS = 1; // BR_STATE_LISTENING, BR_STATE_LEARNING
    private static final int LEARNS = 2;
    private static final int ASK_MILLIS = 120;
    private static final int TRIES = 4;

    private PodOutside() {}

    /**
     * What the node's side looks like.
     *
     * @param nodeEnd of the pair; null when it is gone
     * @param bridge null when it is gone
     * @param portState state of the node's end as a port of the bridge
     * @param gateway the address that the bridge should have; null where it is not known
     */
    record Facts(
            KnownPod pod,
            @Nullable Link nodeEnd,
            @Nullable Link bridge,
            int portState,
            List<Cidr> bridgeAddresses,
            @Nullable Cidr gateway) {}

    static Facts gather(Host host, KnownPod pod, @Nullable Cidr gateway) throws SyscallException {
        Link nodeEnd = pod.nodeEnd().isEmpty() ? null : host.link(pod.nodeEnd()).orElse(null);
        Link bridge = host.link(pod.bridge()).orElse(null);
        return new Facts(
                pod,
                nodeEnd,
                bridge,
                nodeEnd == null ? 0 : host.portState(nodeEnd),
                bridge == null
                        ? List.of()
                        : host.addressesOf(bridge).stream().map(Address::cidr).toList(),
                gateway);
    }

    static Finding judgeVeth(String node, Facts facts) {
        Link end = facts.nodeEnd();
        Link bridge = facts.bridge();
        if (end == null) {
            return Finding.broken(
                    node,
                    Hop.VETH,
                    "the node's end of the veth pair of pod " + facts.pod().name() + " is gone",
                    "start the pod again");
        }
        if (!end.isUp()) {
            return Finding.broken(node, Hop.VETH, end.name() + " is down", "ip link set " + end.name() + " up");
        }
        if (bridge != null && end.masterIndex() != bridge.index()) {
            return Finding.broken(
                    node,
                    Hop.VETH,
                    end.name() + " is not on the bridge " + bridge.name(),
                    "ip link set " + end.name() + " master " + bridge.name());
        }
        if (!end.isOperational()) {
            return Finding.broken(
                    node,
                    Hop.VETH,
                    end.name() + " has no carrier: its other end, in the pod, is down",
                    facts.pod().netns().isEmpty()
                            ? "start the pod again"
                            : "nsenter --net=" + facts.pod().netns() + " ip link set "
                                    + facts.pod().ifName() + " up");
        }
        return Finding.ok(node, Hop.VETH, end.name() + " up, MTU " + end.mtuBytes());
    }

    static Finding judgeBridge(String node, Facts facts) {
        Link bridge = facts.bridge();
        Cidr gateway = facts.gateway();
        String name = facts.pod().bridge();
        if (bridge == null) {
            return Finding.broken(node, Hop.BRIDGE, "the bridge " + name + " is gone", "start the node's pods again");
        }
        if (!bridge.isUp()) {
            return Finding.broken(node, Hop.BRIDGE, name + " is down", "ip link set " + name + " up");
        }
        if (gateway != null && !facts.bridgeAddresses().contains(gateway)) {
            boolean otherLength = facts.bridgeAddresses().stream()
                    .anyMatch(address -> address.address().equals(gateway.address()));
            return Finding.broken(
                    node,
                    Hop.BRIDGE,
                    name + " is without the address " + gateway + ", which the pods send to",
                    otherLength
                            ? "ip addr replace " + gateway + " dev " + name
                            : "ip addr add " + gateway + " dev " + name);
        }
        if (facts.portState() == LISTENS || facts.portState() == LEARNS) {
            return Finding.unknown(
                    node,
                    Hop.BRIDGE,
                    "the port " + facts.pod().nodeEnd() + " of " + name
                            + " does not forward yet (spanning tree protocol?)");
        }
        return Finding.ok(
                node,
                Hop.BRIDGE,
                name + " "
                        + facts.bridgeAddresses().stream()
                                .filter(address -> !address.address().isLinkLocal())
                                .map(Cidr::toString)
                                .collect(Collectors.joining(", ")));
    }

    /**
     * Asks the bridge's pods who has an address.
     *
     * @return the MAC addresses that answered
     */
    static Set<MacAddress> holders(Facts facts, IpAddress address) throws SyscallException {
        Link bridge = facts.bridge();
        Cidr gateway = facts.gateway();
        MacAddress mac = bridge == null ? null : bridge.mac();
        if (bridge == null || mac == null || gateway == null || address.isIpv6()) {
            return Set.of();
        }
        ArpQuestion question = new ArpQuestion(bridge.index(), mac, gateway.address());
        Set<MacAddress> holders = question.whoHas(address, ASK_MILLIS);
        for (int i = 1; holders.isEmpty() && i < TRIES; i++) {
            holders = question.whoHas(address, ASK_MILLIS * 2); // a busy machine
        }
        return holders;
    }

    /**
     * Whether one pod alone has the address.
     *
     * @param expected MAC address of the pod; null where it is not known
     * @param others this node's other pods that have the address, by the command that takes it from each
     */
    static Finding judgeAddress(
            String node,
            IpAddress address,
            Set<MacAddress> holders,
            @Nullable MacAddress expected,
            List<String> others) {
        if (holders.isEmpty()) {
            return Finding.broken(
                    node, Hop.ADDRESS, "nobody on the bridge answers for " + address + " (ARP)", "start the pod again");
        }
        boolean wrong = expected != null && !holders.contains(expected);
        if (holders.size() > 1 || wrong) {
            String who = holders.stream().map(MacAddress::toString).collect(Collectors.joining(" and "));
            return Finding.broken(
                    node,
                    Hop.ADDRESS,
                    "the address " + address + " is answered for by " + who
                            + (expected == null ? "" : "; the pod's is " + expected),
                    others.isEmpty()
                            ? "bridge fdb show | grep -i "
                                    + holders.stream()
                                            .filter(mac -> !mac.equals(expected))
                                            .findFirst()
                                            .map(MacAddress::toString)
                                            .orElse("")
                            : others.get(0));
        }
        return Finding.ok(
                node, Hop.ADDRESS, address + " is at " + holders.iterator().next() + ", and nowhere else");
    }
}

package io.flannelj.main;

import io.flannelj.net.Cidr;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Fdb;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.Neighbor;
import io.flannelj.netlink.Neighbors;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the kernel had of ours at one moment: our devices with their addresses and entries, and routes of the pod networks. */
record HostSnapshot(Set<Item> items) {
    /**
     * One thing.
     *
     * @param what it is, human-readable, as {@code the MTU of flannel.1}
     * @param value which one it was, where it can have several
     */
    record Item(Repairs.Kind kind, String what, String value) {}

    /**
     * Asks the kernel.
     *
     * @param own devices that are ours alone
     * @param carriers devices that pod traffic leaves by, the uplink among them where it is routed plainly
     * @param networks of pods
     */
    static HostSnapshot take(
            NetlinkSocket netlink, Collection<String> own, Collection<String> carriers, Collection<Cidr> networks)
            throws IOException {
        Set<Item> items = new HashSet<>();
        Map<Integer, String> names = new HashMap<>();
        for (Link link : new Links(netlink).list()) {
            if (carriers.contains(link.name())) {
                names.put(link.index(), link.name());
            }
            if (own.contains(link.name())) {
                items.add(new Item(Repairs.Kind.LINK, "the state of " + link.name(), link.isUp() ? "up" : "down"));
                items.add(new Item(Repairs.Kind.LINK, "the MTU of " + link.name(), String.valueOf(link.mtuBytes())));
                addEntries(netlink, link, items);
            }
        }
        for (Address address : new Addresses(netlink).list()) {
            String device = names.get(address.linkIndex());
            if (device != null && own.contains(device) && address.isPermanent()) {
                items.add(new Item(Repairs.Kind.ADDRESS, "the address " + address.cidr() + " of " + device, ""));
            }
        }
        for (Route route : new Routes(netlink).list()) {
            String device = names.get(route.linkIndex());
            if (device != null
                    && route.protocol() != Route.PROTOCOL_KERNEL
                    && networks.stream().anyMatch(network -> network.contains(route.destination()))) {
                String gateway = route.gateway() == null ? "" : " via " + route.gateway();
                items.add(
                        new Item(Repairs.Kind.ROUTE, "the route to " + route.destination() + " by " + device, gateway));
            }
        }
        return new HostSnapshot(items);
    }

    private static void addEntries(NetlinkSocket netlink, Link link, Set<Item> items) throws IOException {
        for (Neighbor neighbor : new Neighbors(netlink).list(link.index())) {
            if (neighbor.isPermanent()) {
                items.add(new Item(
                        Repairs.Kind.NEIGHBOR,
                        "the neighbor entry of " + neighbor.address() + " on " + link.name(),
                        String.valueOf(neighbor.mac())));
            }
        }
        if (link.kind().equals("vxlan")) {
            for (Neighbor entry : new Fdb(netlink).list(link.index())) {
                items.add(new Item(
                        Repairs.Kind.NEIGHBOR,
                        "the forwarding entry of " + entry.mac() + " on " + link.name(),
                        String.valueOf(entry.address())));
            }
        }
    }

    /** What is not as it was, at a later moment; in the order of kinds and names. */
    List<Item> changedAt(HostSnapshot later) {
        List<Item> changed = new ArrayList<>(items);
        changed.removeAll(later.items);
        changed.sort(Comparator.comparing(Item::kind).thenComparing(Item::what));
        return changed;
    }
}

package io.flannelj.cni.engine;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import io.flannelj.netlink.VethRemoval;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsVisit;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A pod's interface: a veth pair with one end in the pod and the other on the bridge. */
final class PodLink {
    private static final int NAME_TRIES = 10;
    private static final int LOOPBACK_INDEX = 1; // in every namespace: the kernel makes it first
    private static final long DETECTION_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration BRIDGE_PATIENCE = Duration.ofSeconds(1);

    private final NetlinkSocket node;
    private final Netns pod;
    private final String network;
    private final Attachment attachment;
    private final String ifName;

    PodLink(NetlinkSocket node, Netns pod, String network, Attachment attachment) {
        this.node = node;
        this.pod = pod;
        this.network = network;
        this.attachment = attachment;
        this.ifName = attachment.ifName();
    }

    /**
     * Makes the pair; the pod's end is born in the pod.
     *
     * @return the node's end
     */
    Link create(BridgeConf conf) throws IOException, CniException {
        Links links = new Links(node);
        int mtu = conf.mtuBytes() > 0 ? conf.mtuBytes() : 1500;
        for (int attempt = 1; ; attempt++) {
            String name = Interfaces.randomName();
            try {
                links.addVeth(name, ifName, pod.fd(), mtu, conf.mac());
                return links.require(name);
            } catch (SyscallException e) {
                boolean taken = e.errno() == Errno.EEXIST;
                if (taken && exists()) {
                    throw new CniException(
                            CniException.ATTACHED_ALREADY, "the container has " + ifName + " already; DEL it first", e);
                }
                if (!taken || attempt == NAME_TRIES) {
                    throw e;
                }
            }
        }
    }

    /** The note that the node's end gets. */
    String alias() {
        return alias(network, attachment);
    }

    /** The note on the node's end, by which GC finds whose it is. */
    static String alias(String network, Attachment attachment) {
        return aliasPrefix(network) + attachment.containerId() + " " + attachment.ifName();
    }

    static String aliasPrefix(String network) {
        return "flannel-j " + network + " ";
    }

    /**
     * Gives the pod's end its addresses and routes, and sets it and the loopback up.
     *
     * @param index of the pod's end
     * @return the pod's end
     */
    Link configure(int index, Ipam.Grant grant, List<PodRoute> routes, boolean detectDuplicates)
            throws IOException, CniException {
        try (NetlinkSocket inside = NetnsVisit.call(pod, () -> {
            if (grant.gateway(IpFamily.IPV6) != null) {
                prepareForIpv6(detectDuplicates);
            }
            return NetlinkSocket.open();
        })) {
            Links links = new Links(inside);
            links.setUp(LOOPBACK_INDEX);
            links.setArpNotify(index, true); // a pod that takes over an address shall be known at once
            Addresses addresses = new Addresses(inside);
            for (Ipam.Ip ip : grant.ips()) {
                if (detectDuplicates) {
                    addresses.add(index, ip.address());
                } else {
                    addresses.addWithoutDetection(index, ip.address());
                }
            }
            links.setUp(index);
            if (detectDuplicates && grant.gateway(IpFamily.IPV6) != null) {
                awaitDetection(addresses, index);
            }
            Routes table = new Routes(inside);
            for (PodRoute route : routes) {
                IpAddress own = route.gateway();
                IpAddress next =
                        own != null ? own : grant.gateway(route.destination().family());
                if (next != null) {
                    Route told = route.on(index, next);
                    table.addBehind(told, route.priority(), route.mtuBytes(), route.advertisedMssBytes());
                }
            }
            return links.require(ifName); // for its MAC address
        }
    }

    /**
     * Waits until packets pass the pair and the bridge, where the node's end is a port of it. The pod's end is operational before
     * the node's is: the kernel sees to them in the order in which they got their carrier.
     */
    void awaitOperational(Link nodeEnd, Link bridge) throws IOException, CniException {
        Links links = new Links(node);
        if (links.require(nodeEnd.name()).masterIndex() != bridge.index()) {
            return;
        }
        if (!links.awaitOperational(nodeEnd.index(), PATIENCE)) {
            throw new CniException(
                    CniException.IO,
                    nodeEnd.name() + " carries nothing " + PATIENCE.toSeconds() + " s after it was set up");
        }
        // A bridge with the spanning tree protocol takes half a minute.
        boolean unused = links.awaitOperational(bridge.index(), BRIDGE_PATIENCE);
    }

    private void prepareForIpv6(boolean detectDuplicates) {
        Interfaces.set("net/ipv6/conf/" + ifName + "/disable_ipv6", "0");
        Interfaces.set("net/ipv6/conf/" + ifName + "/ndisc_notify", "1");
        Interfaces.set("net/ipv6/conf/" + ifName + "/accept_dad", detectDuplicates ? "1" : "0");
    }

    private void awaitDetection(Addresses addresses, int index) throws IOException, CniException {
        long end = System.nanoTime() + DETECTION_NANOS;
        while (true) {
            List<Address> global = addresses.list(index).stream()
                    .filter(address ->
                            address.cidr().isIpv6() && !address.cidr().address().isLinkLocal())
                    .toList();
            for (Address address : global) {
                if (address.isDuplicate()) {
                    throw new CniException(
                            CniException.IO, "another interface has the address " + address.cidr() + " on this bridge");
                }
            }
            if (global.stream().noneMatch(Address::isTentative)) {
                return;
            }
            if (System.nanoTime() - end > 0) {
                throw new CniException(CniException.IO, "duplicate address detection did not end within 5 s");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    boolean exists() throws IOException {
        try (NetlinkSocket inside = NetnsVisit.call(pod, NetlinkSocket::open)) {
            return new Links(inside).find(ifName).isPresent();
        }
    }

    /** Removes the pod's end, and so the pair; nothing when it is gone. */
    void delete() throws IOException {
        NetlinkSocket inside = NetnsVisit.call(pod, NetlinkSocket::open);
        Link link;
        try {
            link = new Links(inside).find(ifName).orElse(null);
        } catch (IOException | RuntimeException e) {
            inside.close();
            throw e;
        }
        if (link == null) {
            inside.close();
        } else {
            VethRemoval.remove(inside, link);
        }
    }
}

package io.flannelj.cni.engine;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import io.flannelj.linux.Sysctl;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import io.flannelj.netlink.VethRemoval;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** A pod's interface: a veth pair with one end in the pod and the other on the bridge. */
final class PodLink {
    private static final int NAME_TRIES = 10;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final NetlinkSocket node;
    private final Netns pod;
    private final String ifName;

    PodLink(NetlinkSocket node, Netns pod, String ifName) {
        this.node = node;
        this.pod = pod;
        this.ifName = ifName;
    }

    /**
     * Makes the pair; the pod's end is born in the pod.
     *
     * @return the node's end
     */
    Link create(int mtuBytes, @Nullable MacAddress mac) throws IOException, CniException {
        Links links = new Links(node);
        for (int attempt = 1; ; attempt++) {
            String name = "veth" + HexFormat.of().toHexDigits(RANDOM.nextInt());
            try {
                links.addVeth(name, ifName, pod.fd(), mtuBytes, mac);
                return links.require(name);
            } catch (SyscallException e) {
                boolean taken = e.errno() == Errno.EEXIST;
                if (taken && exists()) {
                    throw new CniException(
                            CniException.ATTACHED_ALREADY, "the container has an interface " + ifName + " already", e);
                }
                if (!taken || attempt == NAME_TRIES) {
                    throw e;
                }
            }
        }
    }

    /** Connects the node's end to the bridge. */
    void plug(Link nodeEnd, int bridgeIndex, boolean hairpin) throws IOException {
        Links links = new Links(node);
        links.setMaster(nodeEnd.index(), bridgeIndex);
        if (hairpin) {
            links.setBridgePortHairpin(nodeEnd.index(), true);
        }
        links.setUp(nodeEnd.index());
    }

    /**
     * Gives the pod's end its address and routes, and sets it and the loopback up.
     *
     * @param gateway for the default route; null when the pod gets none
     * @return the pod's end
     */
    Link configure(Cidr address, @Nullable IpAddress gateway, Cidr network) throws IOException {
        NetnsThread.call(pod, () -> {
            announceByArp();
            return null;
        });
        try (NetlinkSocket inside = NetnsThread.call(pod, NetlinkSocket::open)) {
            Links links = new Links(inside);
            Link link = links.require(ifName);
            links.setUp(links.require("lo").index());
            new Addresses(inside).add(link.index(), address);
            links.setUp(link.index());
            Routes routes = new Routes(inside);
            IpAddress next = address.gateway().address();
            // The whole pod network by name, so that it holds also where another plugin moves the default route.
            routes.replace(Route.via(network, next, link.index()));
            if (gateway != null) {
                routes.replace(Route.defaultVia(gateway, link.index()));
            }
            return links.require(ifName);
        }
    }

    /** A pod that takes over an address shall be known at once; a read-only /proc is no reason to fail. */
    private void announceByArp() {
        try {
            Sysctl.write("net/ipv4/conf/" + ifName + "/arp_notify", "1");
        } catch (IOException e) {
            return;
        }
    }

    boolean exists() throws IOException {
        try (NetlinkSocket inside = NetnsThread.call(pod, NetlinkSocket::open)) {
            return new Links(inside).find(ifName).isPresent();
        }
    }

    /** Removes the pod's end, and so the pair; nothing when it is gone. */
    void delete() throws IOException {
        NetlinkSocket inside = NetnsThread.call(pod, NetlinkSocket::open);
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

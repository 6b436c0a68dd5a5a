package io.flannelj.cni.engine;

import io.flannelj.linux.Errno;
import io.flannelj.linux.SyscallException;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Forwarding;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.Netns;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The node's bridge, which pods are wired into: made when absent, repaired where that harms nobody, else refused. */
final class Bridge {
    /** Two pods at once must not both make the bridge, or both change its address. */
    private static final Object LOCK = new Object();

    private static final int DEFAULT_VLAN = 1;

    private final BridgeConf conf;
    private final Links links;
    private final Addresses addresses;

    /** The port that this call has plugged in: nobody uses the bridge by it yet. */
    private int newPort;

    Bridge(NetlinkSocket netlink, BridgeConf conf) {
        this.conf = conf;
        this.links = new Links(netlink);
        this.addresses = new Addresses(netlink);
    }

    /** The bridge, up. */
    Link ensure() throws IOException, CniException {
        synchronized (LOCK) {
            Link bridge = links.find(conf.bridge()).orElse(null);
            if (bridge == null) {
                bridge = create();
            }
            if (!bridge.kind().equals("bridge")) {
                throw new CniException(CniException.BAD_BRIDGE, problem(bridge));
            }
            noticeNoRouter(bridge.name());
            pinMac(bridge);
            if (conf.vlan() > 0) {
                links.setVlanFiltering(bridge.index(), true);
            }
            if (conf.promiscMode()) {
                links.setPromiscuous(bridge.index(), true);
            }
            if (!bridge.isUp()) {
                links.setUp(bridge.index());
            }
            return bridge;
        }
    }

    /** Makes it, unless another process does so at the same time. */
    Link create() throws IOException {
        try {
            links.addBridge(conf.bridge(), conf.mtuBytes() > 0 ? conf.mtuBytes() : 1500);
        } catch (SyscallException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
        }
        Interfaces.set(acceptRouters(conf.bridge()), "0");
        useLinkLocalAtOnce(conf.bridge());
        return links.require(conf.bridge());
    }

    /**
     * No pod is the node's router. Only the kernel's default is changed: 2 was set by somebody who wants advertisements on a bridge
     * that forwards.
     */
    private static void noticeNoRouter(String device) {
        if (Interfaces.is(acceptRouters(device), "1")) {
            Interfaces.set(acceptRouters(device), "0");
        }
    }

    private static String acceptRouters(String device) {
        return "net/ipv6/conf/" + device + "/accept_ra";
    }

    /** Duplicate detection of a link-local address takes two seconds, in which the node cannot ask for the addresses of pods. */
    private static void useLinkLocalAtOnce(String device) {
        Interfaces.set("net/ipv6/conf/" + device + "/accept_dad", "0");
    }

    /** Left alone, a bridge takes the lowest address of its ports and so changes it with them, whoever has made it. */
    private void pinMac(Link bridge) throws IOException {
        if (!Interfaces.hasFixedMac(bridge.name())) {
            links.setMac(bridge.index(), Objects.requireNonNull(bridge.mac(), "a bridge has a MAC address"));
        }
    }

    private String problem(Link other) {
        return other.name() + " exists but is no bridge (" + (other.kind().isEmpty() ? "a device" : other.kind())
                + "); delete or rename it, or choose another by \"bridge\"";
    }

    /**
     * Sets a pod's port up as configured. Nothing passes before the pod's end is up, too.
     *
     * @param alias by which GC finds whose it is
     */
    void plug(Link port, Link bridge, String alias) throws IOException {
        newPort = port.index();
        links.setPort(port.index(), bridge.index(), alias);
        if (conf.hairpinMode()) {
            links.setBridgePortHairpin(port.index(), true);
        }
        if (conf.portIsolation()) {
            links.setBridgePortIsolated(port.index(), true);
        }
        if (conf.vlan() > 0) {
            tag(port);
        }
    }

    private void tag(Link port) throws IOException {
        links.addPortVlan(port.index(), conf.vlan());
        if (conf.vlan() != DEFAULT_VLAN && !conf.keepsDefaultVlan()) {
            links.deletePortVlan(port.index(), DEFAULT_VLAN);
        }
    }

    /** Gives the node the gateways' addresses, and lets it pass packets on. */
    void ensureGateways(Link bridge, List<Cidr> gateways) throws IOException, CniException {
        synchronized (LOCK) {
            Link holder = conf.vlan() > 0 ? vlanInterface(bridge) : bridge;
            for (Cidr gateway : gateways) {
                if (gateway.isIpv6()) {
                    Interfaces.set("net/ipv6/conf/" + holder.name() + "/disable_ipv6", "0");
                }
                ensureAddress(holder, gateway);
            }
        }
        if (gateways.stream().anyMatch(Cidr::isIpv4)) {
            forward(IpFamily.IPV4);
        }
        if (gateways.stream().anyMatch(Cidr::isIpv6)) {
            forward(IpFamily.IPV6);
        }
    }

    /** The node's own leg into the VLAN: a port of the bridge whose other end carries the gateway's address. */
    private Link vlanInterface(Link bridge) throws IOException, CniException {
        String name = conf.bridge() + "." + conf.vlan();
        Link found = links.find(name).orElse(null);
        if (found != null) {
            noticeNoRouter(name);
            return found;
        }
        if (name.length() > 15) {
            throw new CniException(
                    CniException.BAD_CONFIG, "bridge " + name + " would have a name of more than 15 characters");
        }
        String port = Interfaces.randomName();
        try (Netns own = Netns.current()) {
            links.addVeth(port, name, own.fd(), bridge.mtuBytes(), null);
        }
        Interfaces.set(acceptRouters(name), "0");
        useLinkLocalAtOnce(name);
        Link portLink = links.require(port);
        try {
            links.setMaster(portLink.index(), bridge.index());
            tag(portLink);
            links.setUp(portLink.index());
            Link made = links.require(name);
            links.setUp(made.index());
            return made;
        } catch (IOException | RuntimeException e) {
            links.delete(portLink.index());
            throw e;
        }
    }

    private void ensureAddress(Link holder, Cidr gateway) throws IOException, CniException {
        List<Cidr> present =
                addresses.list(holder.index()).stream().map(Address::cidr).toList();
        removeOthers(present, gateway, holder);
        if (!present.contains(gateway)) {
            addresses.addWithoutDetection(holder.index(), gateway);
        }
    }

    private void removeOthers(List<Cidr> present, Cidr gateway, Link holder) throws IOException, CniException {
        for (Cidr other : present) {
            if (other.equals(gateway) || !conflicts(other, gateway)) {
                continue;
            }
            boolean inUse = links.list().stream()
                    .anyMatch(link -> link.masterIndex() == holder.index() && link.index() != newPort);
            if (inUse && !conf.forceAddress()) {
                throw new CniException(
                        CniException.BAD_BRIDGE,
                        "bridge " + holder.name() + " has address " + other + " instead of " + gateway
                                + ", and pods use it; remove them and the address, or set \"forceAddress\"");
            }
            addresses.delete(holder.index(), other);
        }
    }

    /** One IPv4 address, but any number of IPv6 ones that do not overlap. */
    private static boolean conflicts(Cidr other, Cidr gateway) {
        return gateway.isIpv4()
                ? other.isIpv4()
                : other.isIpv6() && !other.address().isLinkLocal() && other.overlaps(gateway);
    }

    private static void forward(IpFamily family) throws CniException {
        try {
            Forwarding.turnOn(family);
        } catch (IOException e) {
            throw new CniException(CniException.IO, String.valueOf(e.getMessage()), e);
        }
    }

    /** What is wrong with the bridge as it is; empty when nothing is, or when it is not there at all. */
    List<String> problems(List<Cidr> gateways) throws IOException {
        Link bridge = links.find(conf.bridge()).orElse(null);
        if (bridge == null) {
            return List.of();
        }
        if (!bridge.kind().equals("bridge")) {
            return List.of(problem(bridge));
        }
        if (!bridge.isUp()) {
            return List.of("bridge " + conf.bridge() + " is down");
        }
        Link holder = holder(bridge);
        if (holder == null || !conf.isGateway()) {
            return List.of();
        }
        List<Cidr> present =
                addresses.list(holder.index()).stream().map(Address::cidr).toList();
        return gateways.stream()
                .filter(gateway -> !present.contains(gateway))
                .map(gateway -> "bridge " + holder.name() + " is without " + gateway)
                .toList();
    }

    private @Nullable Link holder(Link bridge) throws IOException {
        return conf.vlan() > 0 ? links.find(conf.bridge() + "." + conf.vlan()).orElse(null) : bridge;
    }
}

package io.flannelj.cni.engine;

import io.flannelj.linux.Sysctl;
import io.flannelj.net.Cidr;
import io.flannelj.netlink.Address;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.List;
import java.util.Objects;

/** The node's bridge, which pods are wired into: made when absent, repaired where that harms nobody, else refused. */
final class Bridge {
    private final NetlinkSocket netlink;
    private final Links links;
    private final Addresses addresses;

    Bridge(NetlinkSocket netlink) {
        this.netlink = netlink;
        this.links = new Links(netlink);
        this.addresses = new Addresses(netlink);
    }

    /**
     * The bridge, up, with the gateway address.
     *
     * @param gateway this node's {@code x.y.z.1/len}
     * @param replaceAddress whether another address may be taken away though pods hang on the bridge
     */
    Link ensure(String name, Cidr gateway, int mtuBytes, boolean replaceAddress) throws IOException, CniException {
        Link bridge = links.find(name).orElse(null);
        if (bridge == null) {
            bridge = create(name, mtuBytes);
        } else if (!bridge.kind().equals("bridge")) {
            throw new CniException(
                    CniException.BAD_BRIDGE,
                    name + " exists but is no bridge (" + (bridge.kind().isEmpty() ? "a device" : bridge.kind())
                            + "); delete or rename it, or choose another by \"bridge\"");
        }
        ensureAddress(bridge, gateway, replaceAddress);
        links.setUp(bridge.index());
        return bridge;
    }

    private Link create(String name, int mtuBytes) throws IOException {
        int index = links.addBridge(name, mtuBytes);
        Link made = links.require(name);
        // Left alone, a bridge takes the lowest address of its ports and so changes it with them.
        links.setMac(index, Objects.requireNonNull(made.mac(), "a bridge has a MAC address"));
        return made;
    }

    private void ensureAddress(Link bridge, Cidr gateway, boolean replaceAddress) throws IOException, CniException {
        List<Cidr> others = addresses.list(bridge.index()).stream()
                .map(Address::cidr)
                .filter(cidr -> cidr.isIpv4() && !cidr.equals(gateway))
                .toList();
        if (!others.isEmpty()) {
            boolean hasPorts = links.list().stream().anyMatch(link -> link.masterIndex() == bridge.index());
            if (hasPorts && !replaceAddress) {
                throw new CniException(
                        CniException.BAD_BRIDGE,
                        "bridge " + bridge.name() + " has address " + others.get(0) + " instead of " + gateway
                                + ", and pods use it; remove them and the address, or set \"forceAddress\"");
            }
            for (Cidr other : others) {
                addresses.delete(bridge.index(), other);
            }
        }
        addresses.addIfAbsent(bridge.index(), gateway);
    }

    /** Lets the node pass packets on between pods and the world. */
    static void forward() throws IOException, CniException {
        try {
            Sysctl.write("net.ipv4.ip_forward", "1");
        } catch (IOException e) {
            throw new CniException(
                    CniException.IO, "net.ipv4.ip_forward is not 1 and cannot be set; set it on the node", e);
        }
    }

    /** Whether the bridge is there with the gateway address and up. */
    boolean isGood(String name, Cidr gateway) throws IOException {
        Link bridge = links.find(name).orElse(null);
        return bridge != null
                && bridge.kind().equals("bridge")
                && bridge.isUp()
                && addresses.list(bridge.index()).stream()
                        .anyMatch(address -> address.cidr().equals(gateway));
    }

    NetlinkSocket netlink() {
        return netlink;
    }
}

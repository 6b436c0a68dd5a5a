package io.flannelj.gso;

import io.flannelj.datapath.Peer;
import io.flannelj.device.DontFragment;
import io.flannelj.linux.SyscallException;
import io.flannelj.linux.Sysctl;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.Neighbor;
import io.flannelj.netlink.Neighbors;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Routes;
import io.flannelj.netlink.UdpRoute;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Asks the kernel for the next hops of peers, and tells the peers. Confined to one thread.
 *
 * <p>Packets that are sent past the IP stack keep no neighbour alive. So what is in use and has become stale is said to be in
 * use, and the kernel asks again whether it is there, as it does for packets of its own.
 */
final class NextHops {
    private final NetlinkSocket netlink;
    private final int uplinkIndex;
    private final IpAddress local;
    private final int port;
    private final Map<IpAddress, UdpRoute> routes = new HashMap<>();
    private final Map<Peer, Long> sent = new HashMap<>();

    /**
     * @param local outer source address
     * @param port outer source port
     */
    NextHops(NetlinkSocket netlink, int uplinkIndex, IpAddress local, int port) {
        this.netlink = netlink;
        this.uplinkIndex = uplinkIndex;
        this.local = local;
        this.port = port;
    }

    /** Forgets the routes: they are asked for again. */
    void forgetRoutes() {
        routes.clear();
    }

    /**
     * Tells each peer its next hop as it is now.
     *
     * @param outer of what the sockets send
     * @return what was found
     * @throws IOException when the uplink is gone, or the kernel does not answer
     */
    KernelView update(Collection<Peer> peers, DontFragment outer) throws IOException {
        Link uplink = new Links(netlink)
                .find(uplinkIndex)
                .orElseThrow(() -> new IOException("the uplink, link " + uplinkIndex + ", is gone"));
        for (Peer peer : peers) {
            routes.computeIfAbsent(peer.underlayAddress(), address -> routeTo(address, peer.port()));
        }
        Map<IpAddress, Neighbor> neighbors = new HashMap<>();
        for (Neighbor neighbor : new Neighbors(netlink).list(uplinkIndex)) {
            if (neighbor.address() != null) {
                neighbors.put(neighbor.address(), neighbor);
            }
        }
        KernelView view = new KernelView(
                uplink, timeToLive(uplink), outer == DontFragment.UNSET_AS_TOLD, Map.copyOf(routes), neighbors);
        for (Peer peer : peers) {
            peer.leadTo(view.nextHop(peer.underlayAddress()).orElse(null));
        }
        return view;
    }

    private @Nullable UdpRoute routeTo(IpAddress peer, int peerPort) {
        try {
            return new Routes(netlink).resolveUdp(local, port, peer, peerPort);
        } catch (SyscallException e) {
            return null; // without a route it goes by the socket, which finds out why
        }
    }

    private int timeToLive(Link uplink) throws IOException {
        return Integer.parseInt(Sysctl.read(
                local.family() == IpFamily.IPV4
                        ? "net/ipv4/ip_default_ttl"
                        : "net/ipv6/conf/" + uplink.name() + "/hop_limit"));
    }

    /** Has the kernel ask stale neighbours again, where packets were sent to them since this was last called. */
    void keepInUse(KernelView view, List<Peer> peers) {
        sent.keySet().retainAll(peers);
        for (Peer peer : peers) {
            long bytes = peer.bytesOut();
            Long before = sent.put(peer, bytes);
            if (before != null && before != bytes) {
                view.neighbor(peer.underlayAddress()).filter(Neighbor::isStale).ifPresent(this::use);
            }
        }
    }

    private void use(Neighbor neighbor) {
        IpAddress address = neighbor.address();
        try {
            if (address != null) {
                new Neighbors(netlink).use(uplinkIndex, address);
            }
        } catch (SyscallException e) {
            return; // it is gone, or is asked for already: the next update tells
        }
    }
}

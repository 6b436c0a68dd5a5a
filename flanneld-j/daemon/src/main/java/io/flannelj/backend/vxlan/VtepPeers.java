package io.flannelj.backend.vxlan;

import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The peers of one device. The kernel knows one node for each MAC address, so whoever writes another node's into a lease would be sent
 * that node's packets: the older lease keeps it, and ours is nobody else's.
 *
 * @param used those that are sent to
 * @param refused those whose MAC address another node has
 */
record VtepPeers(List<VtepPeer> used, List<VtepPeer> refused) {
    VtepPeers {
        used = List.copyOf(used);
        refused = List.copyOf(refused);
    }

    /**
     * Chooses.
     *
     * @param candidates of which the oldest comes first
     * @param mac this node's
     * @param address this node's tunnel address
     */
    static VtepPeers among(List<VtepPeer> candidates, MacAddress mac, IpAddress address) {
        Map<MacAddress, IpAddress> holders = new HashMap<>();
        holders.put(mac, address);
        List<VtepPeer> used = new ArrayList<>();
        List<VtepPeer> refused = new ArrayList<>();
        for (VtepPeer peer : candidates) {
            IpAddress holder = holders.putIfAbsent(peer.mac(), peer.underlay());
            (holder == null || holder.equals(peer.underlay()) ? used : refused).add(peer);
        }
        return new VtepPeers(used, refused);
    }
}

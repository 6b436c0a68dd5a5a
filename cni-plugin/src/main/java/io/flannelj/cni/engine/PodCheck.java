package io.flannelj.cni.engine;

import io.flannelj.net.Cidr;
import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Routes;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import java.util.List;

/** Compares a pod's wiring with what ADD made. */
final class PodCheck {
    private final NetlinkSocket node;
    private final Netns pod;

    PodCheck(NetlinkSocket node, Netns pod) {
        this.node = node;
        this.pod = pod;
    }

    void check(String ifName, NetConf conf, Cidr expected, List<String> problems) throws IOException {
        try (NetlinkSocket inside = NetnsThread.call(pod, NetlinkSocket::open)) {
            Link link = new Links(inside).find(ifName).orElse(null);
            if (link == null) {
                problems.add("the container has no interface " + ifName);
                return;
            }
            if (!link.isUp()) {
                problems.add(ifName + " is down");
            }
            if (new Addresses(inside)
                    .list(link.index()).stream()
                            .noneMatch(address -> address.cidr().equals(expected))) {
                problems.add(ifName + " lacks its address " + expected);
            }
            if (conf.isDefaultGateway()
                    && new Routes(inside)
                            .list().stream().noneMatch(route -> route.isDefault() && route.gateway() != null)) {
                problems.add("the container has no default route");
            }
            Link nodeEnd = new Links(node).find(link.peerIndex()).orElse(null);
            Link bridge = new Links(node).find(conf.bridge()).orElse(null);
            if (nodeEnd == null || bridge == null || nodeEnd.masterIndex() != bridge.index()) {
                problems.add("the other end of " + ifName + " is not on bridge " + conf.bridge());
            }
        }
    }
}

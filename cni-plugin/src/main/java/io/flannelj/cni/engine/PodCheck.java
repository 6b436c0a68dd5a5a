package io.flannelj.cni.engine;

import io.flannelj.netlink.Addresses;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netlink.Route;
import io.flannelj.netlink.Routes;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsVisit;
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

    void check(String ifName, BridgeConf conf, Ipam.Grant expected, List<String> problems) throws IOException {
        try (NetlinkSocket inside = NetnsVisit.call(pod, NetlinkSocket::open)) {
            Link link = new Links(inside).find(ifName).orElse(null);
            if (link == null) {
                problems.add("the container has no interface " + ifName);
                return;
            }
            if (!link.isUp()) {
                problems.add(ifName + " is down");
            }
            for (Ipam.Ip ip : expected.ips()) {
                if (new Addresses(inside)
                        .list(link.index()).stream()
                                .noneMatch(address -> address.cidr().equals(ip.address()))) {
                    problems.add(ifName + " lacks its address " + ip.address());
                }
            }
            List<Route> routes = new Routes(inside).list();
            for (PodRoute route : expected.routes()) {
                boolean main = route.table() == 0 || route.table() == Route.MAIN_TABLE;
                if (main
                        && routes.stream()
                                .noneMatch(there -> there.destination().equals(route.destination()))) {
                    problems.add("the container has no route to " + route.destination());
                }
            }
            Link nodeEnd = new Links(node).find(link.peerIndex()).orElse(null);
            Link bridge = new Links(node).find(conf.bridge()).orElse(null);
            if (nodeEnd == null || bridge == null || nodeEnd.masterIndex() != bridge.index()) {
                problems.add("the other end of " + ifName + " is not on bridge " + conf.bridge());
            }
        }
    }
}

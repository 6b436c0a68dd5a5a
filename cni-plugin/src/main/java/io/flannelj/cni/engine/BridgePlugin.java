package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.Netns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Our own bridge plugin, for one attachment. What fails half way is taken back. */
final class BridgePlugin {
    private final Attachment attachment;
    private final BridgeConf conf;
    private final Ipam ipam;
    private final Plugging plugging;

    /** How the node's end of a pair gets into the bridge. */
    interface Plugging {
        void plug(Bridge bridge, Link port, Link bridgeLink, String alias) throws IOException;
    }

    BridgePlugin(Attachment attachment, BridgeConf conf, Ipam ipam, Plugging plugging) {
        this.plugging = plugging;
        this.attachment = attachment;
        this.conf = conf;
        this.ipam = ipam;
    }

    /** Whether the pod has rules in the packet filter. */
    boolean hasRules() {
        return conf.needsFirewall();
    }

    /** A step of taking back; its own failure is told beside the first one. */
    private interface Undo {
        void run() throws IOException, CniException;
    }

    private static void rollBack(Exception failure, Undo undo) {
        try {
            undo.run();
        } catch (IOException | CniException | RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    /**
     * Wires the pod.
     *
     * @param previous what the plugins before us in the chain made; no object when we are the first
     */
    String add(JsonNode previous) throws IOException, CniException {
        try (Netns pod = attachment.openNetns();
                NetlinkSocket node = NetlinkSocket.open()) {
            PodLink link = new PodLink(node, pod, conf.name(), attachment);
            Bridge bridge = new Bridge(node, conf);
            Link bridgeLink = bridge.ensure();
            Link nodeEnd = link.create(conf);
            try {
                plugging.plug(bridge, nodeEnd, bridgeLink, link.alias());
                Ipam.Grant grant = ipam.add();
                try {
                    return wire(bridge, bridgeLink, link, nodeEnd, grant, previous);
                } catch (IOException | CniException | RuntimeException e) {
                    rollBack(e, ipam::delete);
                    throw e;
                }
            } catch (IOException | CniException | RuntimeException e) {
                rollBack(e, () -> new Links(node).delete(nodeEnd.index()));
                throw e;
            }
        }
    }

    private String wire(Bridge bridge, Link bridgeLink, PodLink link, Link nodeEnd, Ipam.Grant grant, JsonNode previous)
            throws IOException, CniException {
        if (grant.ips().isEmpty()) {
            throw new CniException(CniException.BAD_CONFIG, "ipam gave no address; it needs ranges or another type");
        }
        List<PodRoute> routes = routes(grant);
        if (conf.isGateway()) {
            List<Cidr> gateways = grant.ips().stream()
                    .map(ip -> new Cidr(ip.gateway(), ip.address().length()))
                    .distinct()
                    .toList();
            bridge.ensureGateways(bridgeLink, gateways);
        }
        Link podEnd = link.configure(nodeEnd.peerIndex(), grant, routes, conf.detectDuplicates());
        link.awaitOperational(nodeEnd, bridgeLink);
        if (conf.needsFirewall()) {
            PodFirewall firewall = PodFirewall.of(conf, attachment);
            try {
                firewall.add(conf, grant.ips(), nodeEnd.name(), String.valueOf(podEnd.mac()));
            } catch (IOException | RuntimeException e) {
                rollBack(e, firewall::delete);
                throw e;
            }
        }
        return Results.success(
                conf.cniVersion(),
                new Results.Wired(bridgeLink, nodeEnd, podEnd, attachment.netns(), grant.ips(), routes, grant.dns()),
                previous);
    }

    /** Those of the IPAM, their gateways filled in, and the default routes. */
    private List<PodRoute> routes(Ipam.Grant grant) {
        List<PodRoute> routes = new ArrayList<>();
        for (PodRoute route : grant.routes()) {
            IpAddress gateway = grant.gateway(route.destination().family());
            if (route.gateway() != null || gateway == null) {
                routes.add(route);
            } else {
                routes.add(route.through(gateway));
            }
        }
        if (conf.isDefaultGateway()) {
            for (IpFamily family : IpFamily.values()) {
                IpAddress gateway = grant.gateway(family);
                Cidr everything = family.everything();
                if (gateway != null
                        && routes.stream()
                                .noneMatch(route -> route.destination().equals(everything))) {
                    routes.add(PodRoute.to(everything, gateway));
                }
            }
        }
        return routes;
    }

    /** Takes everything away, what is gone already as well; the address last, so that nobody gets it while it is in use. */
    void delete() throws IOException, CniException {
        boolean unlinked = false;
        if (!attachment.netns().isEmpty() && Files.exists(Path.of(attachment.netnsFile()))) {
            try (Netns pod = Netns.open(Path.of(attachment.netnsFile()), attachment.netns());
                    Netns own = Netns.current();
                    NetlinkSocket node = NetlinkSocket.open()) {
                if (!pod.isSameAs(own)) {
                    new PodLink(node, pod, conf.name(), attachment).delete();
                    unlinked = true;
                }
            }
        }
        if (!unlinked) {
            deleteByAlias();
        }
        if (conf.needsFirewall()) {
            PodFirewall.of(conf, attachment).delete();
        }
        ipam.delete();
    }

    /** The namespace may live on unseen, held by a process; its interface must not. */
    private void deleteByAlias() throws IOException {
        try (NetlinkSocket node = NetlinkSocket.open()) {
            Links links = new Links(node);
            String alias = PodLink.alias(conf.name(), attachment);
            Link left = links.withAlias(alias).get(alias);
            if (left != null) {
                links.delete(left.index());
            }
        }
    }

    void check(JsonNode prevResult) throws IOException, CniException {
        Ipam.Grant expected = Ipam.Grant.of(Results.ofInterface(prevResult, attachment.ifName()));
        if (expected.ips().isEmpty()) {
            throw new CniException(CniException.BAD_CONFIG, "CHECK needs prevResult with the ips that ADD gave");
        }
        List<String> problems = new ArrayList<>();
        List<Cidr> gateways = expected.ips().stream()
                .map(ip -> new Cidr(ip.gateway(), ip.address().length()))
                .toList();
        try (Netns pod = attachment.openNetns();
                NetlinkSocket node = NetlinkSocket.open()) {
            if (new Links(node).find(conf.bridge()).isEmpty()) {
                problems.add("bridge " + conf.bridge() + " is missing");
            }
            problems.addAll(new Bridge(node, conf).problems(gateways));
            new PodCheck(node, pod).check(attachment.ifName(), conf, expected, problems);
        }
        if (conf.needsFirewall()) {
            PodFirewall.of(conf, attachment).check(conf, expected.ips(), problems);
        }
        ipam.check(expected.ips(), prevResult, problems);
        if (!problems.isEmpty()) {
            throw new CniException(CniException.CHECK_FAILED, String.join("; ", problems));
        }
    }
}

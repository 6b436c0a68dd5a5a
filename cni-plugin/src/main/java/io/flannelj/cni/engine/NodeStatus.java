package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.cni.Invocation;
import io.flannelj.net.Cidr;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.List;
import java.util.function.Supplier;

/** STATUS: whether an ADD would work now. */
final class NodeStatus {
    private final Invocation invocation;
    private final NetConf conf;
    private final Supplier<String> daemonState;

    NodeStatus(Invocation invocation, NetConf conf, Supplier<String> daemonState) {
        this.invocation = invocation;
        this.conf = conf;
        this.daemonState = daemonState;
    }

    void check() throws IOException, CniException {
        Delegation delegation = new Delegation(invocation, conf, daemonState);
        ObjectNode delegate = DelegateConf.render(conf, delegation.subnetEnv(CniException.NOT_AVAILABLE));
        if (!Delegation.isBridge(delegate)) {
            delegation.process(delegate).run("STATUS", delegate);
            return;
        }
        BridgeConf bridge = BridgeConf.parse(delegate, "");
        String type = bridge.ipam().path("type").asText();
        if (!type.equals(HostLocalConf.TYPE)) {
            new PluginProcess(type, invocation).run("STATUS", delegate);
            return;
        }
        HostLocalConf addresses =
                HostLocalConf.parse(bridge.name(), bridge.ipam(), delegate.path("runtimeConfig"), List.of());
        List<Cidr> gateways = addresses.rangeSets().stream()
                .map(set -> set.get(0))
                .map(range -> new Cidr(range.gateway(), range.subnet().length()))
                .toList();
        try (NetlinkSocket node = NetlinkSocket.open()) {
            List<String> problems = new Bridge(node, bridge).problems(gateways);
            if (!problems.isEmpty()) {
                throw new CniException(CniException.NOT_AVAILABLE_AND_LIMITED, String.join("; ", problems));
            }
        }
        for (List<AddressRange> set : addresses.rangeSets()) {
            if (!new AddressFiles(addresses.directory()).hasFree(set)) {
                throw new CniException(
                        CniException.NOT_AVAILABLE,
                        "no address is free in " + set + "; those of containers that are gone can be collected by GC");
            }
        }
    }
}

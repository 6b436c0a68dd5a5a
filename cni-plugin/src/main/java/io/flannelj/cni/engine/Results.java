package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.Link;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Results and errors as the specification's versions want them. */
final class Results {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Results() {}

    /** What ADD made. */
    record Wired(
            Link bridge,
            Link nodeEnd,
            Link podEnd,
            String netns,
            Cidr address,
            IpAddress gateway,
            List<Cidr> routesToGateway) {}

    static String success(String cniVersion, Wired wired) {
        ObjectNode root = JSON.createObjectNode().put("cniVersion", cniVersion);
        ArrayNode interfaces = root.putArray("interfaces");
        boolean showsMtu = cniVersion.equals("1.1.0");
        link(interfaces, wired.bridge(), null, showsMtu);
        link(interfaces, wired.nodeEnd(), null, showsMtu);
        link(interfaces, wired.podEnd(), wired.netns(), showsMtu);
        ObjectNode ip = root.putArray("ips").addObject();
        if (cniVersion.startsWith("0.")) {
            ip.put("version", "4"); // dropped in 1.0.0
        }
        ip.put("interface", 2)
                .put("address", wired.address().toString())
                .put("gateway", wired.gateway().toString());
        ArrayNode routes = root.putArray("routes");
        wired.routesToGateway()
                .forEach(destination -> routes.addObject()
                        .put("dst", destination.toString())
                        .put("gw", wired.gateway().toString()));
        root.putObject("dns");
        return root.toString();
    }

    private static void link(ArrayNode interfaces, Link link, @Nullable String sandbox, boolean showsMtu) {
        ObjectNode entry = interfaces.addObject().put("name", link.name()).put("mac", String.valueOf(link.mac()));
        if (showsMtu) {
            entry.put("mtu", link.mtuBytes());
        }
        if (sandbox != null) {
            entry.put("sandbox", sandbox);
        }
    }

    static String error(String cniVersion, int code, String message) {
        return JSON.createObjectNode()
                .put("cniVersion", cniVersion)
                .put("code", code)
                .put("msg", message)
                .toString();
    }

    static String versions() {
        ObjectNode root = JSON.createObjectNode().put("cniVersion", "1.1.0");
        ArrayNode supported = root.putArray("supportedVersions");
        NetConf.VERSIONS.forEach(supported::add);
        return root.toString();
    }
}

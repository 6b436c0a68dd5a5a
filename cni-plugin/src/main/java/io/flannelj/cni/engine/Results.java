package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.netlink.Link;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Results and errors as the specification's versions want them. */
final class Results {
    private static final String NEWEST = "1.1.0";

    private Results() {}

    /** What ADD made. */
    record Wired(
            Link bridge,
            Link nodeEnd,
            Link podEnd,
            String netns,
            List<Ipam.Ip> ips,
            List<PodRoute> routes,
            JsonNode dns) {}

    static String success(String cniVersion, Wired wired) {
        boolean newest = cniVersion.equals(NEWEST);
        ObjectNode root = Json.MAPPER.createObjectNode().put("cniVersion", cniVersion);
        ArrayNode interfaces = root.putArray("interfaces");
        link(interfaces, wired.bridge(), null, newest);
        link(interfaces, wired.nodeEnd(), null, newest);
        link(interfaces, wired.podEnd(), wired.netns(), newest);
        ArrayNode ips = root.putArray("ips");
        for (Ipam.Ip granted : wired.ips()) {
            ObjectNode ip = ips.addObject();
            if (cniVersion.startsWith("0.")) {
                ip.put("version", granted.address().isIpv4() ? "4" : "6"); // dropped in 1.0.0
            }
            ip.put("interface", 2)
                    .put("address", granted.address().toString())
                    .put("gateway", granted.gateway().toString());
        }
        ArrayNode routes = root.putArray("routes");
        wired.routes().forEach(route -> route.writeTo(routes.addObject(), newest));
        root.set("dns", wired.dns().isObject() ? wired.dns() : Json.MAPPER.createObjectNode());
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
        return Json.MAPPER
                .createObjectNode()
                .put("cniVersion", cniVersion)
                .put("code", code)
                .put("msg", message)
                .toString();
    }

    static String versions() {
        ObjectNode root = Json.MAPPER.createObjectNode().put("cniVersion", NEWEST);
        ArrayNode supported = root.putArray("supportedVersions");
        NetConf.VERSIONS.forEach(supported::add);
        return root.toString();
    }
}

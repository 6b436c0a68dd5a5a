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

    /**
     * The result of ADD.
     *
     * @param previous what the plugins before us in the chain made, which stays in; no object when we are the first
     */
    static String success(String cniVersion, Wired wired, JsonNode previous) {
        boolean newest = cniVersion.equals(NEWEST);
        ObjectNode root = Json.MAPPER.createObjectNode().put("cniVersion", cniVersion);
        ArrayNode interfaces = array(root, "interfaces", previous);
        int podEnd = interfaces.size() + 2;
        link(interfaces, wired.bridge(), null, newest);
        link(interfaces, wired.nodeEnd(), null, newest);
        link(interfaces, wired.podEnd(), wired.netns(), newest);
        ArrayNode ips = array(root, "ips", previous);
        for (Ipam.Ip granted : wired.ips()) {
            ObjectNode ip = ips.addObject();
            if (cniVersion.startsWith("0.")) {
                ip.put("version", granted.address().isIpv4() ? "4" : "6"); // dropped in 1.0.0
            }
            ip.put("interface", podEnd)
                    .put("address", granted.address().toString())
                    .put("gateway", granted.gateway().toString());
        }
        ArrayNode routes = array(root, "routes", previous);
        wired.routes().forEach(route -> route.writeTo(routes.addObject(), newest));
        JsonNode dns = wired.dns().isEmpty() ? previous.path("dns") : wired.dns();
        root.set("dns", dns.isObject() ? dns : Json.MAPPER.createObjectNode());
        return root.toString();
    }

    /** A result without the addresses that other plugins of the chain gave to other interfaces. */
    static JsonNode ofInterface(JsonNode result, String ifName) {
        JsonNode copy = result.deepCopy();
        if (copy.path("ips") instanceof ArrayNode ips) {
            JsonNode interfaces = result.path("interfaces");
            for (int i = ips.size() - 1; i >= 0; i--) {
                JsonNode owner = interfaces.path(ips.get(i).path("interface").asInt(-1));
                if (owner.isObject() && !owner.path("name").asText().equals(ifName)) {
                    ips.remove(i);
                }
            }
        }
        return copy;
    }

    private static ArrayNode array(ObjectNode root, String field, JsonNode previous) {
        ArrayNode array = root.putArray(field);
        previous.path(field).forEach(array::add);
        return array;
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
}

package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.SubnetEnv;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes the configuration of the plugin that does the wiring, from the network's and this node's subnet, as flannel does. */
final class DelegateConf {
    /** Fields of the bridge plugin, which may also stand beside {@code delegate}. */
    private static final List<String> BRIDGE_FIELDS = List.of(
            "bridge",
            "isGateway",
            "isDefaultGateway",
            "forceAddress",
            "ipMasq",
            "ipMasqBackend",
            "mtu",
            "hairpinMode",
            "promiscMode",
            "vlan",
            "vlanTrunk",
            "preserveDefaultVlan",
            "macspoofchk",
            "portIsolation",
            "enabledad",
            "disableContainerInterface");

    private static final List<String> PASSED_ON = List.of("runtimeConfig", "args");

    private DelegateConf() {}

    /**
     * The whole configuration of the delegate.
     *
     * @param env this node's subnet; null where it is not known and not needed, as for DEL
     */
    static ObjectNode render(NetConf conf, @Nullable SubnetEnv env) {
        JsonNode root = conf.root();
        ObjectNode rendered = Json.copy(root, "delegate");
        for (String field : BRIDGE_FIELDS) {
            if (!rendered.has(field) && root.has(field)) {
                rendered.set(field, root.get(field));
            }
        }
        PASSED_ON.stream().filter(root::has).forEach(field -> rendered.set(field, root.get(field)));
        rendered.put("cniVersion", conf.cniVersion()).put("name", conf.name());
        if (!rendered.has("type")) {
            rendered.put("type", "bridge");
        }
        if (rendered.path("type").asText().equals("bridge")) {
            putIfAbsent(rendered, "isGateway", true);
            if (!conf.isFlannel()) {
                putIfAbsent(rendered, "isDefaultGateway", true);
            }
            if (!rendered.has("bridge")) {
                rendered.put("bridge", conf.isFlannel() ? "cni0" : "docker0");
            }
        }
        if (env != null) {
            putIfAbsent(rendered, "ipMasq", !env.ipMasq());
            if (!rendered.has("mtu")) {
                rendered.put("mtu", env.mtuBytes());
            }
        }
        rendered.set("ipam", ipam(root, env, sharesWithDocker(root, rendered)));
        return rendered;
    }

    /** As little as it takes to find what an attachment of this network may have left. */
    static ObjectNode least(NetConf conf) {
        ObjectNode least = Json.MAPPER.createObjectNode();
        least.put("cniVersion", conf.cniVersion()).put("name", conf.name()).put("type", "bridge");
        least.putObject("ipam")
                .put("type", HostLocalConf.TYPE)
                .put(
                        "dataDir",
                        new Json()
                                .path(conf.root().path("ipam"), "dataDir", HostLocalConf.DEFAULT_DIRECTORY)
                                .toString());
        return least;
    }

    /** dockerd gives addresses of docker0, too: of the lower half, as {@code docker-opts} tells it. */
    private static boolean sharesWithDocker(JsonNode root, JsonNode rendered) {
        JsonNode told = root.path("shareWithDocker");
        boolean ownRange =
                root.path("ipam").has("rangeStart") || root.path("ipam").has("rangeEnd");
        return told.isBoolean()
                ? told.booleanValue()
                : !ownRange && rendered.path("bridge").asText().equals("docker0");
    }

    private static void putIfAbsent(ObjectNode object, String field, boolean value) {
        if (!object.has(field)) {
            object.put(field, value);
        }
    }

    private static ObjectNode ipam(JsonNode root, @Nullable SubnetEnv env, boolean shared) {
        ObjectNode ipam = Json.copy(root, "ipam");
        if (!ipam.has("type")) {
            ipam.put("type", HostLocalConf.TYPE);
        }
        if (env == null) {
            return ipam;
        }
        JsonNode start = ipam.remove("rangeStart");
        JsonNode end = ipam.remove("rangeEnd");
        ArrayNode ranges = ipam.putArray("ranges");
        ArrayNode routes = ipam.path("routes") instanceof ArrayNode given ? given : ipam.putArray("routes");
        for (Cidr subnet : env.subnets().values()) {
            ObjectNode range = ranges.addArray().addObject().put("subnet", subnet.toString());
            if (shared) {
                range.put("rangeStart", subnet.upperHalf().address().toString());
            }
            boundary(range, "rangeStart", start, subnet);
            boundary(range, "rangeEnd", end, subnet);
        }
        env.networks().values().forEach(network -> routes.addObject().put("dst", network.toString()));
        return ipam;
    }

    /** A boundary belongs to the family that it is written in. */
    private static void boundary(ObjectNode range, String field, @Nullable JsonNode value, Cidr subnet) {
        if (value != null && value.asText().indexOf(':') >= 0 == subnet.isIpv6()) {
            range.set(field, value);
        }
    }
}

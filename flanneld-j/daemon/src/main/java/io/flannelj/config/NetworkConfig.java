package io.flannelj.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.net.Cidr;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cluster-wide network document, as stored at {@code <etcd-prefix>/config}: flannel's JSON. Valid once built.
 *
 * @param ipv4 the IPv4 subnets to lease; null when the network has no IPv4
 * @param ipv6 the IPv6 subnets to lease; null when the network has no IPv6
 * @param enableNftables rules go to nftables instead of iptables
 * @param backend how traffic is carried
 */
public record NetworkConfig(
        @Nullable SubnetPool ipv4, @Nullable SubnetPool ipv6, boolean enableNftables, BackendConfig backend) {
    private static final String SUBJECT = "the network config";
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Reads the document.
     *
     * @throws ConfigException with every problem at once, each under the JSON key to change
     */
    public static NetworkConfig parse(String json) throws ConfigException {
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new ConfigException(SUBJECT, List.of("is not JSON: " + e.getOriginalMessage()));
        }
        if (root == null || !root.isObject()) {
            throw new ConfigException(SUBJECT, List.of("must be a JSON object, was " + json.strip()));
        }
        Problems problems = new Problems(SUBJECT);
        JsonFields fields = new JsonFields(root, "", problems);
        boolean enableIpv4 = fields.flag("EnableIPv4", true);
        boolean enableIpv6 = fields.flag("EnableIPv6", false);
        problems.unless(enableIpv4 || enableIpv6, "EnableIPv4", "one family at least must be enabled");
        SubnetPool ipv4 = enableIpv4 ? SubnetPool.read(fields, false, problems) : null;
        SubnetPool ipv6 = enableIpv6 ? SubnetPool.read(fields, true, problems) : null;
        boolean enableNftables = fields.flag("EnableNFTables", false);
        BackendConfig backend = BackendConfig.read(fields.get("Backend"), problems);
        problems.unless(
                !(enableIpv6 && backend.isIpv4Only()),
                "EnableIPv6",
                "the " + backend.type()
                        + " backend carries IPv4 only; choose vxlan or host-gw as Backend.Type, or leave it false");
        problems.throwIfAny();
        return new NetworkConfig(ipv4, ipv6, enableNftables, backend);
    }

    /** The same network, carried another way. */
    public NetworkConfig withBackend(BackendConfig other) {
        return new NetworkConfig(ipv4, ipv6, enableNftables, other);
    }

    /** The whole IPv4 pod network, network form; null when there is none. */
    public @Nullable Cidr network() {
        return ipv4 == null ? null : ipv4.network();
    }

    /** The whole IPv6 pod network, network form; null when there is none. */
    public @Nullable Cidr ipv6Network() {
        return ipv6 == null ? null : ipv6.network();
    }
}

package io.flannelj.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The cluster-wide network document, as stored at {@code <etcd-prefix>/config}: flannel's JSON. Valid once built.
 *
 * @param pools the subnets to lease, of each family that the network has
 * @param enableNftables rules go to nftables instead of iptables
 * @param backend how traffic is carried
 */
public record NetworkConfig(PerFamily<SubnetPool> pools, boolean enableNftables, BackendConfig backend) {
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
            throw new ConfigException(SUBJECT, List.of("is not JSON: " + JsonFields.whatIsWrong(e)));
        }
        if (root == null || !root.isObject()) {
            throw new ConfigException(SUBJECT, List.of("must be a JSON object, was " + json.strip()));
        }
        Problems problems = new Problems(SUBJECT);
        JsonFields fields = new JsonFields(root, "", problems);
        Set<IpFamily> enabled = EnumSet.noneOf(IpFamily.class);
        if (fields.flag("EnableIPv4", true)) {
            enabled.add(IpFamily.IPV4);
        }
        if (fields.flag("EnableIPv6", false)) {
            enabled.add(IpFamily.IPV6);
        }
        problems.unless(!enabled.isEmpty(), "EnableIPv4", "one family at least must be enabled");
        PerFamily<SubnetPool> pools = PerFamily.of(
                family -> enabled.contains(family) ? SubnetPool.read(fields, family, problems) : Optional.empty());
        boolean enableNftables = fields.flag("EnableNFTables", false);
        BackendConfig backend = BackendConfig.read(fields.get("Backend"), problems);
        problems.unless(
                enabled.stream().allMatch(backend::carries),
                "EnableIPv6",
                "the " + backend.type()
                        + " backend carries IPv4 only; choose vxlan or host-gw as Backend.Type, or leave it false");
        problems.throwIfAny();
        return new NetworkConfig(pools, enableNftables, backend);
    }

    /** The same network, carried another way. */
    public NetworkConfig withBackend(BackendConfig other) {
        return new NetworkConfig(pools, enableNftables, other);
    }

    /** The whole pod network of each family, network form. */
    public PerFamily<Cidr> networks() {
        return pools.map(SubnetPool::network);
    }

    public Set<IpFamily> families() {
        return pools.families();
    }
}

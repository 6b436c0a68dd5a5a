package io.flannelj.backend.extension;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.PeerRoutes;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Uplink;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.Cidr;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The {@code extension} backend: leases from here, traffic by the operator's own commands. */
public final class ExtensionProvider implements BackendProvider {
    private static final Logger log = LoggerFactory.getLogger(ExtensionProvider.class);
    static final String TYPE = "extension";

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public Prepared prepare(NetworkConfig config, Uplink uplink) throws IOException {
        BackendConfig.Extension options = (BackendConfig.Extension) config.backend();
        ExtensionCommand before = new ExtensionCommand("PreStartupCommand", options.preStartup());
        JsonNode data = before.isEmpty() ? null : TextNode.valueOf(before.run(Map.of(), ""));
        Cidr network = config.network();
        LeaseAttributes attributes = new LeaseAttributes(
                network == null ? null : uplink.publicIp(),
                config.ipv6Network() == null ? null : uplink.publicIpv6(),
                TYPE,
                data,
                null);
        return new PreparedBackend(attributes, List.of(), (own, onLost) -> {
            ExtensionCommand after = new ExtensionCommand("PostStartupCommand", options.postStartup());
            if (!after.isEmpty()) {
                Map<String, String> variables = ExtensionBackend.variables(own.subnets(), attributes);
                variables.put("NETWORK", text(network));
                log.info("PostStartupCommand: {}", after.run(variables, ""));
            }
            return new ExtensionBackend(
                    PodDestinations.of(PeerRoutes.networks(network, config.ipv6Network()), own.subnets()),
                    new ExtensionCommand("SubnetAddCommand", options.subnetAdd()),
                    new ExtensionCommand("SubnetRemoveCommand", options.subnetRemove()),
                    uplink.mtuBytes());
        });
    }

    private static String text(@Nullable Object value) {
        return value == null ? "" : value.toString();
    }
}

package io.flannelj.backend.extension;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.flannelj.backend.BackendProvider;
import io.flannelj.backend.PodDestinations;
import io.flannelj.backend.Prepared;
import io.flannelj.backend.PreparedBackend;
import io.flannelj.backend.Uplink;
import io.flannelj.config.BackendConfig;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.io.IOException;
import java.util.List;
import java.util.Map;
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
        PerFamily<JsonNode> data = before.isEmpty()
                ? PerFamily.none()
                : PerFamily.of(IpFamily.IPV4, TextNode.valueOf(before.run(Map.of(), "")));
        LeaseAttributes attributes = new LeaseAttributes(uplink.publicIps(), TYPE, data);
        return new PreparedBackend(attributes, List.of(), (own, onLost) -> {
            ExtensionCommand after = new ExtensionCommand("PostStartupCommand", options.postStartup());
            if (!after.isEmpty()) {
                Map<String, String> variables = ExtensionBackend.variables(own.subnets(), attributes);
                variables.put("NETWORK", ExtensionBackend.text(config.networks(), IpFamily.IPV4));
                log.info("PostStartupCommand: {}", after.run(variables, ""));
            }
            return new ExtensionBackend(
                    PodDestinations.of(config.networks(), own.subnets()),
                    new ExtensionCommand("SubnetAddCommand", options.subnetAdd()),
                    new ExtensionCommand("SubnetRemoveCommand", options.subnetRemove()),
                    uplink.mtuBytes());
        });
    }
}

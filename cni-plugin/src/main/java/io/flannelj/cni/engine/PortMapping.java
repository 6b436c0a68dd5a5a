package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A port of the node that leads to the pod.
 *
 * @param protocol tcp, udp or sctp
 * @param hostAddress the only address of the node it holds for; null for all of them
 */
record PortMapping(
        String protocol,
        int hostPort,
        int containerPort,
        @Nullable IpAddress hostAddress) {
    static List<PortMapping> parse(Json fields, JsonNode array) {
        List<PortMapping> mappings = new ArrayList<>();
        for (JsonNode entry : array) {
            String protocol = entry.path("protocol").asText("tcp").toLowerCase(java.util.Locale.ROOT);
            fields.unless(
                    List.of("tcp", "udp", "sctp").contains(protocol),
                    "portMappings.protocol",
                    "must be tcp, udp or sctp, was \"" + protocol + "\"");
            int hostPort = fields.number(entry, "hostPort", 65_535);
            int containerPort = fields.number(entry, "containerPort", 65_535);
            fields.unless(containerPort > 0, "portMappings.containerPort", "must be 1 to 65535");
            String host = entry.path("hostIP").asText("");
            IpAddress address = host.isEmpty() ? null : fields.address("portMappings.hostIP", host);
            if (hostPort > 0) { // 0 asks for no port of the node
                mappings.add(new PortMapping(
                        protocol,
                        hostPort,
                        containerPort,
                        address == null || address.isUnspecified() && address.isIpv4() ? null : address));
            }
        }
        return List.copyOf(mappings);
    }

    /** Whether it holds for packets of the family. */
    boolean appliesTo(IpFamily family) {
        return hostAddress == null || hostAddress.family() == family;
    }
}

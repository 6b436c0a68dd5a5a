package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where a pod's addresses come from. One object is for one attachment. */
interface Ipam {
    /** An address with its gateway, which is the subnet's first address where nobody says otherwise. */
    record Ip(Cidr address, IpAddress gateway) {}

    /** What an attachment was given. */
    record Grant(List<Ip> ips, List<PodRoute> routes, JsonNode dns) {
        public Grant {
            ips = List.copyOf(ips);
            routes = List.copyOf(routes);
        }

        /** Reads a result of an IPAM plugin, or the part of a prevResult that an IPAM plugin made. */
        static Grant of(JsonNode result) throws CniException {
            Json fields = new Json();
            List<Ip> ips = new ArrayList<>();
            for (JsonNode entry : result.path("ips")) {
                Cidr address = fields.cidr("ips.address", entry.path("address").asText());
                IpAddress gateway = fields.address(entry, "gateway");
                if (address != null) {
                    ips.add(new Ip(address, gateway == null ? address.gateway().address() : gateway));
                }
            }
            List<PodRoute> routes = PodRoute.parse(fields, result.path("routes"));
            fields.throwIfAny();
            return new Grant(ips, routes, result.path("dns"));
        }

        /** The gateway of a family; null when no address of that family was given. */
        @Nullable
        IpAddress gateway(IpFamily family) {
            return ips.stream()
                    .map(Ip::gateway)
                    .filter(gateway -> gateway.family() == family)
                    .findFirst()
                    .orElse(null);
        }
    }

    Grant add() throws IOException, CniException;

    /** Gives back what is held; nothing when nothing is. */
    void delete() throws IOException, CniException;

    /** Fails unless the addresses are still held. */
    void check(List<Ip> expected, JsonNode prevResult, List<String> problems) throws IOException, CniException;
}

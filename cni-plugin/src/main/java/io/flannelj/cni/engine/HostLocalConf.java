package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The {@code ipam} object as host-local reads it.
 *
 * @param directory where this network's address files are
 * @param rangeSets one address is given out of each
 * @param requested addresses that the runtime asks for
 * @param resolvConf file whose name servers the result shows; empty for none
 */
record HostLocalConf(
        Path directory,
        List<List<AddressRange>> rangeSets,
        List<IpAddress> requested,
        List<PodRoute> routes,
        String resolvConf) {
    static final String TYPE = "host-local";
    static final String DEFAULT_DIRECTORY = "/var/lib/cni/networks";

    static HostLocalConf parse(String network, JsonNode ipam, JsonNode runtime, List<IpAddress> requested)
            throws CniException {
        Json fields = new Json();
        List<List<AddressRange>> sets = new ArrayList<>();
        sets(fields, runtime.path("ipRanges"), "ipRanges", sets);
        sets(fields, ipam.path("ranges"), "ipam.ranges", sets);
        if (ipam.has("subnet")) {
            AddressRange single = AddressRange.parse(fields, "ipam", ipam);
            if (single != null) {
                sets.add(0, List.of(single));
            }
        }
        List<PodRoute> routes = PodRoute.parse(fields, ipam.path("routes"));
        for (int i = 0; i < sets.size(); i++) {
            for (List<AddressRange> other : sets.subList(i + 1, sets.size())) {
                for (AddressRange range : sets.get(i)) {
                    other.stream()
                            .filter(range::overlaps)
                            .forEach(twin ->
                                    fields.unless(false, "ipam.ranges", "must not overlap: " + range + ", " + twin));
                }
            }
        }
        Path directory = fields.path(ipam, "dataDir", DEFAULT_DIRECTORY).resolve(network);
        HostLocalConf conf = new HostLocalConf(
                directory, sets, requested, routes, ipam.path("resolvConf").asText(""));
        fields.throwIfAny();
        return conf;
    }

    private static void sets(Json fields, JsonNode array, String field, List<List<AddressRange>> sets) {
        for (JsonNode set : array) {
            List<AddressRange> ranges = new ArrayList<>();
            for (JsonNode entry : set) {
                AddressRange range = AddressRange.parse(fields, field, entry);
                if (range != null) {
                    ranges.add(range);
                }
            }
            long families = ranges.stream()
                    .map(AddressRange::subnet)
                    .map(Cidr::family)
                    .distinct()
                    .count();
            fields.unless(families <= 1, field, "must not mix IPv4 and IPv6 in one set");
            if (!ranges.isEmpty()) {
                sets.add(List.copyOf(ranges));
            }
        }
    }
}

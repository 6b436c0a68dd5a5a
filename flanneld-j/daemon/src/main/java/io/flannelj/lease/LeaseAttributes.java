package io.flannelj.lease;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a node tells the others about itself; the value of a lease in the store.
 *
 * @param publicIps where peers send to, over the underlay of each family
 * @param backendType {@code Backend.Type}; empty for udp and alloc, as flannel writes it
 * @param backendData what this backend's peers need to know, e.g. VNI and VTEP MAC, where there is something
 */
public record LeaseAttributes(PerFamily<IpAddress> publicIps, String backendType, PerFamily<JsonNode> backendData) {
    public LeaseAttributes {
        publicIps.byFamily().forEach((family, address) -> {
            if (address.family() != family) {
                throw new IllegalArgumentException("the public address of " + family + " must not be " + address);
            }
        });
    }

    /** A node of a backend without data. */
    public LeaseAttributes(PerFamily<IpAddress> publicIps, String backendType) {
        this(publicIps, backendType, PerFamily.none());
    }

    /** An IPv4 node. */
    public static LeaseAttributes ofIpv4(IpAddress publicIp, String backendType, @Nullable JsonNode backendData) {
        return new LeaseAttributes(
                PerFamily.of(IpFamily.IPV4, publicIp),
                backendType,
                PerFamily.of(family -> family == IpFamily.IPV4 ? Optional.ofNullable(backendData) : Optional.empty()));
    }

    /** The address by which the node is known; null when it has none. */
    public @Nullable IpAddress publicAddress() {
        return publicIps.first().orElse(null);
    }

    /** What flannel writes as the type of a lease: nothing for the backends that came before types. */
    public static String typeOf(String backend) {
        return backend.equals("udp") || backend.equals("alloc") ? "" : backend;
    }
}

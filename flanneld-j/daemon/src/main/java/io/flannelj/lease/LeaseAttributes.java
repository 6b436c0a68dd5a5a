package io.flannelj.lease;

import com.fasterxml.jackson.databind.JsonNode;
import io.flannelj.net.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * What a node tells the others about itself; the value of a lease in the store.
 *
 * @param publicIpv4 where peers send IPv4-underlay traffic; null when there is none
 * @param publicIpv6 the same for IPv6
 * @param backendType {@code Backend.Type}; empty for udp and alloc, as flannel writes it
 * @param backendData what this backend's peers need to know, e.g. VNI and VTEP MAC; null when there is nothing
 * @param backendV6Data the same for the IPv6 side
 */
public record LeaseAttributes(
        @Nullable IpAddress publicIpv4,
        @Nullable IpAddress publicIpv6,
        String backendType,
        @Nullable JsonNode backendData,
        @Nullable JsonNode backendV6Data) {
    public LeaseAttributes {
        if ((publicIpv4 != null && publicIpv4.isIpv6()) || (publicIpv6 != null && publicIpv6.isIpv4())) {
            throw new IllegalArgumentException("PublicIP must be an IPv4 address and PublicIPv6 an IPv6 address, were "
                    + publicIpv4 + " and " + publicIpv6);
        }
    }

    /** The address by which people know the node; null when it has none. */
    public @Nullable IpAddress publicAddress() {
        return publicIpv4 != null ? publicIpv4 : publicIpv6;
    }

    /** What flannel writes as the type of a lease: nothing for the backends that came before types. */
    public static String typeOf(String backend) {
        return backend.equals("udp") || backend.equals("alloc") ? "" : backend;
    }

    /** An IPv4 node of a backend without data. */
    public static LeaseAttributes ofIpv4(IpAddress publicIp, String backendType, @Nullable JsonNode backendData) {
        return new LeaseAttributes(publicIp, null, backendType, backendData, null);
    }
}

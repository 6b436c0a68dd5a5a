package io.flannelj.fuzz;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;
import io.flannelj.net.IpAddress;
import org.jspecify.annotations.Nullable;

/** The value of a lease: read or refused; what is read and written is read again as the same, its addresses of their family. */
public final class LeaseFuzz {
    private LeaseFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        LeaseJson.parse(new Input(data).text()).ifPresent(lease -> {
            check(lease);
            Promise.same(lease, LeaseJson.parse(LeaseJson.format(lease)).orElseThrow(), "written and read again");
        });
    }

    static void check(LeaseAttributes lease) {
        @Nullable IpAddress ipv4 = lease.publicIpv4();
        @Nullable IpAddress ipv6 = lease.publicIpv6();
        Promise.holds(ipv4 == null || ipv4.isIpv4(), "a PublicIP of IPv6: " + ipv4);
        Promise.holds(ipv6 == null || ipv6.isIpv6(), "a PublicIPv6 of IPv4: " + ipv6);
    }
}

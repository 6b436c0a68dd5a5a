package io.flannelj.fuzz;

import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseJson;

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
        lease.publicIps()
                .byFamily()
                .forEach((family, address) ->
                        Promise.holds(address.family() == family, "of the other family: " + address));
    }
}

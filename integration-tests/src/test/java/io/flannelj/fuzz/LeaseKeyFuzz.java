package io.flannelj.fuzz;

import io.flannelj.lease.SubnetKey;

/** The key of a lease: read or passed over; what is read and written is the end of the key, and read again as the same. */
public final class LeaseKeyFuzz {
    private LeaseKeyFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        String key = new Input(data).text();
        SubnetKey.parse(key).ifPresent(subnets -> {
            String written = SubnetKey.format(subnets);
            Promise.same(subnets, SubnetKey.parse(written).orElseThrow(), "written and read again");
            Promise.holds(!key.endsWith("\n"), "a line feed is taken for the end of a key");
        });
    }
}

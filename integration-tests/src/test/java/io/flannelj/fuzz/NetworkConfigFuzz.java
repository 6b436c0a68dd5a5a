package io.flannelj.fuzz;

import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.config.SubnetPool;

/** The network config: a valid one has pools whose first and last subnets may be leased; anything else is a ConfigException. */
public final class NetworkConfigFuzz {
    private NetworkConfigFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        String text = new Input(data).text();
        try {
            NetworkConfig config = NetworkConfig.parse(text);
            Promise.same(config, NetworkConfig.parse(text), "read twice");
            Promise.holds(!config.pools().isEmpty(), "no family");
            config.pools().values().forEach(NetworkConfigFuzz::check);
        } catch (ConfigException e) {
            Promise.holds(!e.problems().isEmpty(), "refused without a reason");
        }
    }

    private static void check(SubnetPool pool) {
        Promise.holds(pool.size() > 0, "an empty pool: " + pool);
        Promise.holds(pool.offers(pool.subnet(0)), "the first subnet is not offered: " + pool);
        long last = Math.min(pool.size(), Long.MAX_VALUE) - 1;
        Promise.holds(
                pool.size() == Long.MAX_VALUE || pool.subnet(last).address().equals(pool.last()),
                "the last subnet is " + pool.subnet(last) + ": " + pool);
    }
}

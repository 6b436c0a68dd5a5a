package io.flannelj.config;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What differs between the network config in force and a newer one. Bounds and length of the pool are taken up at once,
 * for they matter to leases still to come; everything else would take the network from under running pods.
 */
public final class ConfigChange {
    private ConfigChange() {}

    /** What takes effect at the next start only, each as {@code key: old → new}; empty when nothing does. */
    public static List<String> deferred(NetworkConfig running, NetworkConfig newer) {
        List<String> changes = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            String key = SubnetPool.networkKey(family);
            compare(changes, key, network(running, family), network(newer, family));
        }
        compare(changes, "EnableNFTables", running.enableNftables(), newer.enableNftables());
        compare(changes, "Backend", running.backend(), newer.backend());
        return changes;
    }

    /** Whether nothing but the way to carry traffic differs in what takes effect at the next start. */
    public static boolean isOfBackendOnly(NetworkConfig running, NetworkConfig newer) {
        return deferred(running.withBackend(newer.backend()), newer).isEmpty();
    }

    private static @Nullable Cidr network(NetworkConfig config, IpFamily family) {
        return config.networks().get(family).orElse(null);
    }

    private static void compare(List<String> changes, String key, @Nullable Object running, @Nullable Object newer) {
        if (!Objects.equals(running, newer)) {
            changes.add(key + ": " + text(running) + " → " + text(newer));
        }
    }

    private static String text(@Nullable Object value) {
        if (value instanceof BackendConfig backend) {
            String record = backend.toString();
            String options = record.substring(record.indexOf('[') + 1, record.length() - 1);
            return backend.type() + (options.isEmpty() ? "" : " (" + options + ")");
        }
        return value == null ? "none" : value.toString();
    }
}

package io.flannelj.config;

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
        compare(changes, "Network", running.network(), newer.network());
        compare(changes, "IPv6Network", running.ipv6Network(), newer.ipv6Network());
        compare(changes, "EnableNFTables", running.enableNftables(), newer.enableNftables());
        compare(changes, "Backend", running.backend(), newer.backend());
        return changes;
    }

    /** Whether nothing but the way to carry traffic differs in what takes effect at the next start. */
    public static boolean isOfBackendOnly(NetworkConfig running, NetworkConfig newer) {
        return deferred(running.withBackend(newer.backend()), newer).isEmpty();
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

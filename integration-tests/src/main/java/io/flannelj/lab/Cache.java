package io.flannelj.lab;

import java.nio.file.Path;

/** Where the scripts of this module leave what they build once for all checkouts. */
public final class Cache {
    private Cache() {}

    /**
     * A folder in it.
     *
     * @param variable of the environment, which names another place
     */
    public static Path folder(String variable, String name) {
        String named = System.getenv(variable);
        if (named != null && !named.isEmpty()) {
            return Path.of(named);
        }
        String cache = System.getenv("XDG_CACHE_HOME");
        Path root =
                cache != null && !cache.isEmpty() ? Path.of(cache) : Path.of(System.getProperty("user.home"), ".cache");
        return root.resolve(name);
    }
}

package io.flannelj.lab.bench;

import java.nio.file.Path;

/** Where the real peers are that {@code integration-tests/peers} builds. */
public final class Peers {
    private Peers() {}

    /** Where one of them is, built or not. */
    public static Path program(String name) {
        String named = System.getenv("PEERS");
        if (named != null && !named.isEmpty()) {
            return Path.of(named, name);
        }
        String cache = System.getenv("XDG_CACHE_HOME");
        Path root =
                cache != null && !cache.isEmpty() ? Path.of(cache) : Path.of(System.getProperty("user.home"), ".cache");
        return root.resolve("flanneld-j-peers").resolve(name);
    }
}

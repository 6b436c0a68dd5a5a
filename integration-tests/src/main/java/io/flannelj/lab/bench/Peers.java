package io.flannelj.lab.bench;

import io.flannelj.lab.Cache;
import java.nio.file.Path;

/** Where the real peers are that {@code integration-tests/peers} builds. */
public final class Peers {
    private Peers() {}

    /** Where one of them is, built or not. */
    public static Path program(String name) {
        return Cache.folder("PEERS", "flanneld-j-peers").resolve(name);
    }
}

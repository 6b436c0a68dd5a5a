package io.flannelj.backend;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The backends that this daemon has, by type. */
public final class BackendRegistry {
    private final Map<String, BackendProvider> byType = new TreeMap<>();

    public BackendRegistry(List<BackendProvider> providers) {
        providers.forEach(provider -> byType.put(provider.type(), provider));
    }

    /** The backend of a type that a peer named; empty when there is none. */
    public Optional<BackendProvider> find(String type) {
        return Optional.ofNullable(byType.get(type));
    }

    /**
     * The backend of that type.
     *
     * @throws IllegalStateException when the config accepted a type that no backend provides
     */
    public BackendProvider get(String type) {
        BackendProvider provider = byType.get(type);
        if (provider == null) {
            throw new IllegalStateException("no backend for type " + type + " among " + byType.keySet());
        }
        return provider;
    }
}

package io.flannelj.net;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A value for each address family that is there: for one, for both or for none.
 *
 * @param byFamily the values, IPv4's first
 */
public record PerFamily<T>(Map<IpFamily, T> byFamily) {
    public PerFamily {
        Map<IpFamily, T> ordered = new EnumMap<>(IpFamily.class);
        ordered.putAll(byFamily);
        byFamily = Collections.unmodifiableMap(ordered);
    }

    public static <T> PerFamily<T> none() {
        return new PerFamily<>(Map.of());
    }

    public static <T> PerFamily<T> of(IpFamily family, T value) {
        return new PerFamily<>(Map.of(family, value));
    }

    /** What {@code value} gives for each family. */
    public static <T> PerFamily<T> of(Function<IpFamily, Optional<T>> value) {
        Map<IpFamily, T> values = new EnumMap<>(IpFamily.class);
        for (IpFamily family : IpFamily.values()) {
            value.apply(family).ifPresent(present -> values.put(family, present));
        }
        return new PerFamily<>(values);
    }

    /**
     * Values that say themselves which family they are of.
     *
     * @throws IllegalArgumentException when two are of one family
     */
    public static <T> PerFamily<T> by(Function<T, IpFamily> family, Collection<T> values) {
        Map<IpFamily, T> map = new EnumMap<>(IpFamily.class);
        for (T value : values) {
            if (map.put(family.apply(value), value) != null) {
                throw new IllegalArgumentException("two of one family: " + values);
            }
        }
        return new PerFamily<>(map);
    }

    public Optional<T> get(IpFamily family) {
        return Optional.ofNullable(byFamily.get(family));
    }

    /**
     * The value of a family that is known to be there.
     *
     * @throws IllegalStateException when it is not
     */
    public T require(IpFamily family) {
        return get(family).orElseThrow(() -> new IllegalStateException("no " + family + " among " + byFamily));
    }

    public boolean has(IpFamily family) {
        return byFamily.containsKey(family);
    }

    public Set<IpFamily> families() {
        return byFamily.keySet();
    }

    /** The values, IPv4's first. */
    public List<T> values() {
        return List.copyOf(byFamily.values());
    }

    /** IPv4's value where there is one, else IPv6's. */
    public Optional<T> first() {
        return byFamily.values().stream().findFirst();
    }

    public boolean isEmpty() {
        return byFamily.isEmpty();
    }

    public <R> PerFamily<R> map(Function<T, R> change) {
        return of(family -> get(family).map(change));
    }

    /** The values of these families. */
    public PerFamily<T> only(Set<IpFamily> families) {
        return of(family -> families.contains(family) ? get(family) : Optional.empty());
    }

    /** These values, and another's where there is none here. */
    public PerFamily<T> orElse(PerFamily<T> other) {
        return of(family -> get(family).or(() -> other.get(family)));
    }

    /** The values with a comma between. */
    @Override
    public String toString() {
        return byFamily.values().stream().map(String::valueOf).collect(Collectors.joining(","));
    }
}

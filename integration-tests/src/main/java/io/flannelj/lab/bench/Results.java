package io.flannelj.lab.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Everything measured on one underlay. Single-threaded. */
final class Results {
    private final String underlay;
    private final Map<String, Map<Metric, List<Double>>> values = new LinkedHashMap<>();

    Results(String underlay) {
        this.underlay = underlay;
    }

    String underlay() {
        return underlay;
    }

    void add(String contender, Metric metric, double value) {
        values.computeIfAbsent(contender, name -> new EnumMap<>(Metric.class))
                .computeIfAbsent(metric, name -> new ArrayList<>())
                .add(value);
    }

    Set<String> contenders() {
        return values.keySet();
    }

    List<Double> raw(String contender, Metric metric) {
        return values.getOrDefault(contender, Map.of()).getOrDefault(metric, List.of());
    }

    Optional<Statistics> of(String contender, Metric metric) {
        List<Double> all = raw(contender, metric);
        return all.isEmpty() ? Optional.empty() : Optional.of(Statistics.of(all));
    }

    /** Median as part of the other contender's median. */
    Optional<Double> ratio(String contender, Metric metric, String other) {
        return of(contender, metric)
                .flatMap(own -> of(other, metric).map(theirs -> own.median() / theirs.median()))
                .filter(ratio -> !ratio.isNaN() && !ratio.isInfinite());
    }
}

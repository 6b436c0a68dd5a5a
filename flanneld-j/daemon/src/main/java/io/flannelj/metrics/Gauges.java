package io.flannelj.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.function.DoubleSupplier;
import java.util.function.ToDoubleFunction;

/** Registers values that are asked for at a scrape. */
public final class Gauges {
    private Gauges() {}

    public static void bind(MeterRegistry registry, MetricNames name, DoubleSupplier value) {
        bind(registry, name, Tags.empty(), value);
    }

    /** The same with labels. */
    public static void bind(MeterRegistry registry, MetricNames name, Tags labels, DoubleSupplier value) {
        Gauge.builder(name.metric(), value::getAsDouble)
                .tags(labels)
                .description(name.help())
                .strongReference(true)
                .register(registry);
    }

    /** The same for a number that only grows, for as long as another object holds its owner. */
    public static <T> void bindCount(MeterRegistry registry, MetricNames name, T owner, ToDoubleFunction<T> value) {
        bindCount(registry, name, Tags.empty(), owner, value);
    }

    /** The same with labels. */
    public static <T> void bindCount(
            MeterRegistry registry, MetricNames name, Tags labels, T owner, ToDoubleFunction<T> value) {
        FunctionCounter.builder(name.metric(), owner, value)
                .tags(labels)
                .description(name.help())
                .register(registry);
    }
}

package io.flannelj.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.function.DoubleSupplier;

/** Registers values that are asked for when somebody scrapes. */
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
}

package io.flannelj.metrics;

import io.flannelj.datapath.Counters;
import io.flannelj.datapath.Counters.Counter;
import io.flannelj.datapath.DropReason;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Locale;

/** Feeds the data path's counters to a registry; they are read when somebody scrapes. */
public final class DatapathMetrics {
    private DatapathMetrics() {}

    public static void bind(Counters counters, MeterRegistry registry) {
        packets(registry, counters, "out", "received", Counter.OUT_PACKETS);
        packets(registry, counters, "out", "delivered", Counter.OUT_DELIVERED);
        packets(registry, counters, "in", "received", Counter.IN_PACKETS);
        packets(registry, counters, "in", "delivered", Counter.IN_DELIVERED);
        counter(MetricNames.BYTES, registry, counters, Counter.OUT_BYTES, "direction", "out");
        counter(MetricNames.BYTES, registry, counters, Counter.IN_BYTES, "direction", "in");
        counter(MetricNames.SYSCALLS, registry, counters, Counter.OUT_READS, "call", "tun_read");
        counter(MetricNames.SYSCALLS, registry, counters, Counter.OUT_SENDS, "call", "udp_send");
        counter(MetricNames.SYSCALLS, registry, counters, Counter.IN_RECEIVES, "call", "udp_receive");
        counter(MetricNames.SYSCALLS, registry, counters, Counter.IN_WRITES, "call", "tun_write");
        counter(MetricNames.ICMP_ERRORS, registry, counters, Counter.ICMP_ERRORS);
        counter(MetricNames.SEGMENTATION_FALLBACKS, registry, counters, Counter.SEGMENTATION_FALLBACKS);
        for (DropReason reason : DropReason.values()) {
            FunctionCounter.builder(MetricNames.DROPPED.metric(), counters, c -> c.dropped(reason))
                    .description(MetricNames.DROPPED.help())
                    .tags("direction", reason.direction().name().toLowerCase(Locale.ROOT), "reason", reason.label())
                    .register(registry);
        }
    }

    private static void packets(
            MeterRegistry registry, Counters counters, String direction, String stage, Counter counter) {
        counter(MetricNames.PACKETS, registry, counters, counter, "direction", direction, "stage", stage);
    }

    private static void counter(
            MetricNames name, MeterRegistry registry, Counters counters, Counter counter, String... labels) {
        FunctionCounter.builder(name.metric(), counters, c -> c.get(counter))
                .description(name.help())
                .tags(labels)
                .register(registry);
    }
}

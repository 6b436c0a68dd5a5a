package io.flannelj.metrics;

import io.flannelj.datapath.Counter;
import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.TrafficCounters;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;

/** Feeds one data path's counters to a registry until closed; they are read at a scrape. */
public final class DatapathMetrics implements AutoCloseable {
    private final MeterRegistry registry;
    private final TrafficCounters counters;
    private final List<Meter> meters = new ArrayList<>();

    public DatapathMetrics(TrafficCounters counters, MeterRegistry registry) {
        this.counters = counters;
        this.registry = registry;
        packets("out", "received", Counter.OUT_PACKETS);
        packets("out", "delivered", Counter.OUT_DELIVERED);
        packets("in", "received", Counter.IN_PACKETS);
        packets("in", "delivered", Counter.IN_DELIVERED);
        counter(MetricNames.BYTES, Counter.OUT_BYTES, "direction", "out");
        counter(MetricNames.BYTES, Counter.IN_BYTES, "direction", "in");
        counter(MetricNames.SYSCALLS, Counter.OUT_READS, "call", "tun_read");
        counter(MetricNames.SYSCALLS, Counter.OUT_SENDS, "call", "udp_send");
        counter(MetricNames.SYSCALLS, Counter.OUT_UNCUT_WRITES, "call", "tap_write");
        counter(MetricNames.SYSCALLS, Counter.IN_RECEIVES, "call", "udp_receive");
        counter(MetricNames.SYSCALLS, Counter.IN_WRITES, "call", "tun_write");
        counter(MetricNames.BUSY, Counter.OUT_BUSY_NANOS, "direction", "out");
        counter(MetricNames.BUSY, Counter.IN_BUSY_NANOS, "direction", "in");
        counter(MetricNames.TUN_READ_ERRORS, Counter.OUT_READ_ERRORS);
        counter(MetricNames.ICMP_ERRORS, Counter.ICMP_ERRORS);
        counter(MetricNames.SEGMENTATION_FALLBACKS, Counter.SEGMENTATION_FALLBACKS);
        counter(MetricNames.TUNNEL_SEGMENTATION_FALLBACKS, Counter.UNCUT_FALLBACKS);
        for (DropReason reason : DropReason.values()) {
            meters.add(FunctionCounter.builder(MetricNames.DROPPED.metric(), counters, c -> c.dropped(reason))
                    .description(MetricNames.DROPPED.help())
                    .tags("direction", reason.direction().label(), "reason", reason.label())
                    .register(registry));
        }
    }

    private void packets(String direction, String stage, Counter counter) {
        counter(MetricNames.PACKETS, counter, "direction", direction, "stage", stage);
    }

    private void counter(MetricNames name, Counter counter, String... labels) {
        meters.add(FunctionCounter.builder(name.metric(), counters, c -> c.get(counter))
                .description(name.help())
                .tags(labels)
                .register(registry));
    }

    /** The counters are shown no longer; the next data path begins again at zero, as scrapers expect of a restart. */
    @Override
    public void close() {
        meters.forEach(registry::remove);
    }
}

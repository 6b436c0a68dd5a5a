package io.flannelj.datapath;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** What a data path did, as numbers that only grow; anybody may read at any time. */
public interface TrafficCounters {
    /** The value of one counter. */
    long get(Counter counter);

    /** Packets dropped for one reason. */
    long dropped(DropReason reason);

    /** What they are now. */
    default TrafficCounters frozen() {
        Map<Counter, Long> counts = new EnumMap<>(Counter.class);
        Map<DropReason, Long> drops = new EnumMap<>(DropReason.class);
        for (Counter counter : Counter.values()) {
            counts.put(counter, get(counter));
        }
        for (DropReason reason : DropReason.values()) {
            drops.put(reason, dropped(reason));
        }
        return new TrafficCounters() {
            @Override
            public long get(Counter counter) {
                return counts.getOrDefault(counter, 0L);
            }

            @Override
            public long dropped(DropReason reason) {
                return drops.getOrDefault(reason, 0L);
            }
        };
    }

    /** All of these together. */
    static TrafficCounters sumOf(List<? extends TrafficCounters> parts) {
        List<TrafficCounters> all = List.copyOf(parts);
        return sumOf(() -> all);
    }

    /** All of those that there are when somebody asks. */
    static TrafficCounters sumOf(Supplier<List<TrafficCounters>> parts) {
        return new TrafficCounters() {
            @Override
            public long get(Counter counter) {
                return parts.get().stream().mapToLong(part -> part.get(counter)).sum();
            }

            @Override
            public long dropped(DropReason reason) {
                return parts.get().stream()
                        .mapToLong(part -> part.dropped(reason))
                        .sum();
            }
        };
    }
}

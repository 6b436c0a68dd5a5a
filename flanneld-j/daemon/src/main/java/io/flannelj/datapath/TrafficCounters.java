package io.flannelj.datapath;

import io.flannelj.datapath.Counters.Counter;
import java.util.List;

/** What a data path did, as numbers that only grow; anybody may read at any time. */
public interface TrafficCounters {
    /** The value of one counter. */
    long get(Counter counter);

    /** Packets dropped for one reason. */
    long dropped(DropReason reason);

    /** All of these together. */
    static TrafficCounters sumOf(List<? extends TrafficCounters> parts) {
        List<TrafficCounters> all = List.copyOf(parts);
        return new TrafficCounters() {
            @Override
            public long get(Counter counter) {
                return all.stream().mapToLong(part -> part.get(counter)).sum();
            }

            @Override
            public long dropped(DropReason reason) {
                return all.stream().mapToLong(part -> part.dropped(reason)).sum();
            }
        };
    }
}

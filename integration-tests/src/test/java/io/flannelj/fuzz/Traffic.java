package io.flannelj.fuzz;

import io.flannelj.datapath.Counter;
import io.flannelj.datapath.Counters;
import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.TrafficCounters;

/** What a worker counted meanwhile. */
record Traffic(long packets, long delivered, String drops, long dropped) {
    static Traffic between(TrafficCounters before, Counters after, DropReason.Direction direction) {
        boolean out = direction == DropReason.Direction.OUT;
        Counter packets = out ? Counter.OUT_PACKETS : Counter.IN_PACKETS;
        Counter delivered = out ? Counter.OUT_DELIVERED : Counter.IN_DELIVERED;
        StringBuilder drops = new StringBuilder();
        long dropped = 0;
        for (DropReason reason : DropReason.values()) {
            long count = after.dropped(reason) - before.dropped(reason);
            Promise.holds(count >= 0, "a counter shrank: " + reason);
            if (count > 0 && reason.direction() == direction) {
                drops.append(reason).append('=').append(count).append(' ');
                dropped += count;
            }
        }
        for (Counter counter : Counter.values()) {
            Promise.holds(after.get(counter) >= before.get(counter), "a counter shrank: " + counter);
        }
        return new Traffic(
                after.get(packets) - before.get(packets),
                after.get(delivered) - before.get(delivered),
                drops.toString(),
                dropped);
    }

    /** Every packet was delivered, or dropped for one reason. */
    void checkSum() {
        Promise.holds(packets == delivered + dropped, "packets are not those delivered and dropped: " + this);
    }
}

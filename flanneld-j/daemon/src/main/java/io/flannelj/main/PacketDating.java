package io.flannelj.main;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.PacketCopy;
import io.flannelj.observe.PacketEvent;
import io.flannelj.observe.Point;
import java.time.Instant;

/** Dates copies of packets, which are stamped by {@link System#nanoTime}, by the time of day as it runs now. */
final class PacketDating {
    private final long offset;

    PacketDating() {
        Instant now = Instant.now();
        offset = now.getEpochSecond() * 1_000_000_000 + now.getNano() - System.nanoTime();
    }

    /** A copy, dated and named. */
    PacketEvent event(PacketCopy copy) {
        DropReason reason = copy.reason();
        boolean outwards = switch (copy.point()) {
            case FROM_POD, TO_WIRE -> true;
            case FROM_WIRE, TO_POD -> false;
            case DROPPED -> reason != null && reason.direction() == DropReason.Direction.OUT;
        };
        return new PacketEvent(
                copy.atNanos() + offset,
                switch (copy.point()) {
                    case FROM_POD -> Point.FROM_POD;
                    case TO_WIRE -> Point.TO_WIRE;
                    case FROM_WIRE -> Point.FROM_WIRE;
                    case TO_POD -> Point.TO_POD;
                    case DROPPED -> Point.DROPPED;
                },
                outwards,
                reason == null ? "" : reason.label(),
                reason == null ? "" : reason.help(),
                copy.peer() == null ? "" : copy.peer().toString(),
                copy.encapsulated(),
                copy.port(),
                copy.innerAt(),
                copy.length(),
                copy.packets(),
                copy.dropsSoFar(),
                copy.data());
    }
}

package io.flannelj.explain;

import io.flannelj.observe.Point;
import io.flannelj.observe.TimeText;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Tells of one real packet, by what the nodes of both its ends saw of it. A pure function of that. */
final class LivePacket {
    private LivePacket() {}

    /**
     * What one node saw of packets between the two.
     *
     * @param node its address
     * @param known whether it told all that it saw
     * @param problem why not
     */
    record Half(String node, boolean known, String problem, List<SeenPacket> packets) {
        Half {
            packets = List.copyOf(packets);
        }

        private Optional<SeenPacket> at(Point point, boolean outwards, String key) {
            return packets.stream()
                    .filter(packet -> packet.isAt(point)
                            && packet.outwards() == outwards
                            && packet.key().equals(key))
                    .findFirst();
        }
    }

    /**
     * Judges.
     *
     * @param first the packet that the wait ended with
     * @param command what explains the rest of its way
     */
    static List<Finding> judge(SeenPacket first, Half sender, Half receiver, ZoneId zone, String command) {
        List<Finding> findings = new ArrayList<>();
        String key = first.key();
        Optional<SeenPacket> entered = sender.at(Point.FROM_POD, true, key);
        Optional<SeenPacket> sent = sender.at(Point.TO_WIRE, true, key);
        Optional<SeenPacket> lost = sender.at(Point.DROPPED, true, key);
        Optional<SeenPacket> came = receiver.at(Point.FROM_WIRE, false, key);
        Optional<SeenPacket> delivered = receiver.at(Point.TO_POD, false, key);
        Optional<SeenPacket> refused = receiver.at(Point.DROPPED, false, key);

        entered.ifPresent(seen -> findings.add(ok(sender, zone, seen, "came from the pod's side: " + seen.summary())));
        sent.ifPresent(seen -> findings.add(ok(sender, zone, seen, "was sent to " + receiver.node())));
        lost.ifPresent(seen -> findings.add(dropped(sender, zone, seen, command)));
        boolean left = sent.isPresent() || entered.isPresent() && lost.isEmpty();
        if (entered.isEmpty() && sent.isEmpty() && lost.isEmpty() && !sender.known()) {
            findings.add(Finding.unknown(sender.node(), Hop.PACKET, sender.problem()));
        }
        came.ifPresent(
                seen -> findings.add(ok(receiver, zone, seen, "came from " + sender.node() + ": " + seen.summary())));
        refused.ifPresent(seen -> findings.add(dropped(receiver, zone, seen, command)));
        delivered.ifPresent(seen -> findings.add(ok(receiver, zone, seen, "was given to the pod's side")));
        if (came.isEmpty() && refused.isEmpty() && delivered.isEmpty() && left) {
            findings.add(
                    receiver.known()
                            ? Finding.broken(
                                    sender.node(),
                                    Hop.UNDERLAY,
                                    "it was sent and did not arrive at " + receiver.node(),
                                    "flanneld-j ping " + receiver.node())
                            : Finding.unknown(receiver.node(), Hop.PACKET, receiver.problem()));
        } else if (came.isPresent() && refused.isEmpty() && delivered.isEmpty()) {
            // Joined with an earlier one of its flow, whose key the whole has.
            findings.add(
                    ok(receiver, zone, came.get(), "was not dropped: it went on together with others of its flow"));
        }
        return findings;
    }

    private static Finding ok(Half half, ZoneId zone, SeenPacket seen, String what) {
        return Finding.ok(half.node(), Hop.PACKET, TimeText.micros(seen.epochNanos(), zone) + " " + what);
    }

    private static Finding dropped(Half half, ZoneId zone, SeenPacket seen, String command) {
        return Finding.broken(
                half.node(),
                Hop.PACKET,
                TimeText.micros(seen.epochNanos(), zone) + " was dropped: " + seen.reason() + ", " + seen.help() + " ("
                        + seen.summary() + ")",
                command);
    }
}

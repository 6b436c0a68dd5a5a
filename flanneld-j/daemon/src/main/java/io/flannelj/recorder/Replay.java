package io.flannelj.recorder;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What events say of an earlier time. */
public final class Replay {
    private final List<Event> events;

    /** @param events in the order in which they were written */
    public Replay(List<Event> events) {
        this.events = List.copyOf(events);
    }

    /** The first moment that something is known of; empty when nothing is. */
    public Optional<Instant> begin() {
        return events.stream().findFirst().map(Event::at);
    }

    /** The facts at a time, with what was seen at that very moment. */
    public Facts at(Instant time) {
        return Changes.applied(
                Facts.NONE,
                events.stream()
                        .filter(event -> !event.at().isAfter(time))
                        .map(Event::change)
                        .toList());
    }

    /** Since when each lease of another node was as it was at a time; by key. */
    public Map<String, Instant> sinceWhen(Instant time) {
        Map<String, Instant> since = new HashMap<>();
        Map<String, Facts.Peer> last = new HashMap<>(); // also from before a start, which changes no lease
        for (Event event : events) {
            if (event.at().isAfter(time)) {
                continue;
            }
            if (event.change() instanceof Change.PeerGone gone) {
                last.remove(gone.key());
            } else if (event.change() instanceof Change.PeerIs is && !is.peer().equals(last.put(is.key(), is.peer()))) {
                since.put(is.key(), event.at());
            }
        }
        since.keySet().retainAll(at(time).peers().keySet());
        return since;
    }

    /** The latest events up to a time, the oldest first, without those that repeat earlier ones. */
    public List<Event> before(Instant time, int most) {
        List<Event> all = events.stream()
                .filter(event -> !event.at().isAfter(time) && !event.repeats())
                .toList();
        return all.subList(Math.max(0, all.size() - most), all.size());
    }

    /** Events that say something of an address, the oldest first: of leases that cover it, and starts and ends of the daemon. */
    public List<Event> about(Cidr address) {
        List<Event> about = new ArrayList<>();
        Map<String, Boolean> covering = new LinkedHashMap<>();
        for (Event event : events) {
            if (event.repeats()) {
                continue;
            }
            if (event.change() instanceof Change.PeerIs is) {
                boolean covers = covers(is.peer().subnet(), address);
                Boolean did = covering.put(is.key(), covers);
                if (covers || Boolean.TRUE.equals(did)) {
                    about.add(event);
                }
            } else if (event.change() instanceof Change.PeerGone gone) {
                if (Boolean.TRUE.equals(covering.remove(gone.key()))) {
                    about.add(event);
                }
            } else if (event.change() instanceof Change.Lease lease) {
                if (covers(lease.own().subnet(), address)) {
                    about.add(event);
                }
            } else if (event.change() instanceof Change.Started || event.change() instanceof Change.Stopped) {
                about.add(event);
            }
        }
        return about;
    }

    /** Whether a lease, of one family or two, shares addresses with a subnet. */
    public static boolean covers(String subnets, Cidr address) {
        return Arrays.stream(subnets.split(",", -1)).anyMatch(one -> overlaps(one.strip(), address));
    }

    /** False for a key that stands for no subnet. */
    private static boolean overlaps(String subnet, Cidr address) {
        try {
            return Cidr.parse(subnet).overlaps(address);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** An address or a subnet, as a person writes it. */
    public static Cidr parse(String text) {
        return text.contains("/") ? Cidr.parse(text) : Cidr.host(IpAddress.parse(text));
    }
}

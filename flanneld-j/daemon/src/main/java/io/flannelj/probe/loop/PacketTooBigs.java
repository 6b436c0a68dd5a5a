package io.flannelj.probe.loop;

import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;

/**
 * Whether this node has received ICMPv6 errors that say that a packet was too big (RFC 4443 §3.2), by the kernel's count of them,
 * read once a second. Who sent them, and about which path, is not known.
 *
 * <p>Owned by one thread.
 */
final class PacketTooBigs {
    private static final String COUNT = "Icmp6InPktTooBigs";
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final Supplier<String> counts;
    private long before;
    private Instant due = Instant.MIN;

    /**
     * @param counts the text of /proc/net/snmp6; empty where the kernel has no IPv6
     */
    PacketTooBigs(Supplier<String> counts) {
        this.counts = counts;
        this.before = count();
    }

    /** Whether any were counted since the last look, which is a second ago at least. */
    boolean haveCome(Instant now) {
        if (now.isBefore(due)) {
            return false;
        }
        due = now.plus(EVERY);
        long last = before;
        before = count();
        return before != last;
    }

    private long count() {
        return counts.get()
                .lines()
                .filter(line -> line.startsWith(COUNT))
                .mapToLong(line -> Long.parseLong(line.substring(COUNT.length()).strip()))
                .sum();
    }
}

package io.flannelj.main;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/** How often something of ours on this host was put right after another program had changed it. For several threads. */
final class Repairs {
    private final Map<Kind, AtomicLong> counts = new EnumMap<>(Kind.class);

    /** What had been changed. */
    enum Kind {
        /** Rules of the daemon in the packet filter, by rounds that found any changed. */
        FIREWALL,
        /** Rules of pods in the packet filter, by rounds that found any missing. */
        POD_RULES,
        /** A kernel setting. */
        SETTING,
        /** State or MTU of a device. */
        LINK,
        ADDRESS,
        ROUTE,
        /** An entry of the neighbor table or the forwarding table of a VXLAN device. */
        NEIGHBOR;

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    Repairs() {
        for (Kind kind : Kind.values()) {
            counts.put(kind, new AtomicLong());
        }
    }

    void count(Kind kind) {
        counter(kind).incrementAndGet();
    }

    long of(Kind kind) {
        return counter(kind).get();
    }

    private AtomicLong counter(Kind kind) {
        return Objects.requireNonNull(counts.get(kind));
    }
}

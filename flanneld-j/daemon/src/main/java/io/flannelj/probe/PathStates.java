package io.flannelj.probe;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What the probes say of all paths now, and how many there were. Written by who sends them; anybody may read. */
public final class PathStates {
    private final Map<PathKey, PathState> states = new ConcurrentHashMap<>();
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();

    /** All paths that are probed now. */
    public Collection<PathState> all() {
        return List.copyOf(states.values());
    }

    /** Datagrams that were sent. */
    public long sent() {
        return sent.get();
    }

    /** Datagrams that were answered. */
    public long answered() {
        return answered.get();
    }

    /** This is known of a path now. */
    public void put(PathState state) {
        states.put(state.key(), state);
    }

    /** A path is not probed any more. */
    public void remove(PathKey key) {
        states.remove(key);
    }

    public void countSent(int datagrams) {
        sent.addAndGet(datagrams);
    }

    public void countAnswered() {
        answered.incrementAndGet();
    }
}

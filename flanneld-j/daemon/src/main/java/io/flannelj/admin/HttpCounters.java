package io.flannelj.admin;

import java.util.concurrent.atomic.AtomicLong;

/** What the HTTP listeners refused, over all of them. Written by their threads, read by anybody. */
public final class HttpCounters {
    final AtomicLong closed = new AtomicLong();
    final AtomicLong refused = new AtomicLong();

    /** Connections that were closed to make room for newer ones. */
    public long closedConnections() {
        return closed.get();
    }

    /** Requests that were malformed, too large, too late, or had a body or a method that is not taken. */
    public long refusedRequests() {
        return refused.get();
    }
}

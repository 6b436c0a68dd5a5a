package io.flannelj.datapath;

import java.util.concurrent.TimeUnit;

/**
 * How many ICMP errors may be sent: a bucket of tokens (RFC 1812 §4.3.2.8, RFC 4443 §2.4(f)) with Linux's figures, 1,000 a
 * second and 50 at once ({@code icmp_msgs_per_sec}, {@code icmp_msgs_burst}).
 *
 * <p>One owner, one thread. Never allocates.
 */
final class ErrorBudget {
    private static final int BURST = 50;
    private static final long NANOS_A_TOKEN = TimeUnit.SECONDS.toNanos(1) / 1000;

    private long tokens = BURST;
    private long filledAt;

    ErrorBudget(long nowNanos) {
        this.filledAt = nowNanos;
    }

    /**
     * Takes a token.
     *
     * @param nowNanos of {@link System#nanoTime}
     * @return false when there is none: nothing may be sent
     */
    boolean take(long nowNanos) {
        long grown = (nowNanos - filledAt) / NANOS_A_TOKEN;
        if (grown > 0) {
            tokens = Math.min(BURST, tokens + grown);
            filledAt += grown * NANOS_A_TOKEN;
        }
        if (tokens == 0) {
            return false;
        }
        tokens--;
        return true;
    }
}

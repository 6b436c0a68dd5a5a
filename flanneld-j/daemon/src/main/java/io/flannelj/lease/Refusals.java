package io.flannelj.lease;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leases that are refused now. Each is logged when it comes, with its remedy, and not again while it stays as it is.
 *
 * <p>Written by one thread, read by any.
 */
public final class Refusals {
    private static final Logger log = LoggerFactory.getLogger(Refusals.class);

    /** So many lines in ten seconds tell what is wrong; a store full of nonsense shall not fill the log as well. */
    private static final int MOST_LINES = 20;

    private static final long WINDOW_NANOS = Duration.ofSeconds(10).toNanos();

    private volatile List<Refusal> current = List.of();
    private long windowBegan = System.nanoTime();
    private int lines;

    /** From now on these are refused, and no others. */
    public void replace(Collection<Refusal> refusals) {
        Map<String, String> before = new HashMap<>();
        current.forEach(refusal -> before.put(refusal.key(), refusal.problem()));
        List<Refusal> news = refusals.stream()
                .filter(refusal -> !refusal.problem().equals(before.get(refusal.key())))
                .toList();
        current = List.copyOf(refusals);
        log(news);
    }

    private void log(List<Refusal> news) {
        if (System.nanoTime() - windowBegan > WINDOW_NANOS) {
            windowBegan = System.nanoTime();
            lines = 0;
        }
        for (Refusal refusal : news) {
            if (lines < MOST_LINES) {
                log.warn("refusing the lease {}: {}", refusal.key(), refusal.problem());
            } else if (lines == MOST_LINES) {
                log.warn("refusing more leases; see flanneld-j peers");
            }
            lines = Math.min(lines + 1, MOST_LINES + 1);
        }
    }

    public List<Refusal> current() {
        return current;
    }

    /** How many are refused for that reason. */
    public long count(Refusal.Reason reason) {
        return current.stream().filter(refusal -> refusal.reason() == reason).count();
    }
}

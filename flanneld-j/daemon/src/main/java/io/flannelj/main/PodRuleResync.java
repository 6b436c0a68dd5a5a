package io.flannelj.main;

import io.flannelj.cni.engine.CniEngine;
import io.flannelj.lease.loop.TaskQueue;
import java.io.IOException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Restores pods' rules in the packet filter regularly: host ports, masquerading, the guard against other MAC addresses. */
final class PodRuleResync {
    private static final Logger log = LoggerFactory.getLogger(PodRuleResync.class);

    private final CniEngine engine;
    private final TaskQueue queue;
    private final Duration interval;
    private final Repairs repairs;
    private String trouble = "";

    /**
     * @param queue may block
     */
    PodRuleResync(CniEngine engine, TaskQueue queue, Duration interval, Repairs repairs) {
        this.engine = engine;
        this.queue = queue;
        this.interval = interval;
        this.repairs = repairs;
    }

    void start() {
        queue.every(interval, this::resync);
    }

    private void resync() {
        String now = "";
        try {
            int pods = engine.restorePodRules();
            if (pods > 0) {
                repairs.count(Repairs.Kind.POD_RULES);
                log.warn("another program had removed packet filter rules of pods; restored those of {}", pods);
            }
        } catch (IOException e) {
            now = "the packet filter's rules of pods cannot be restored: " + e.getMessage();
        }
        if (!now.isEmpty() && !now.equals(trouble)) {
            log.warn("{}", now);
        }
        trouble = now;
    }
}

package io.flannelj.lease.loop;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.flannelj.lease.DeniedException;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.loop.StoreHealth.Asking;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class StoreHealthTest {
    private final VirtualTime time = new VirtualTime();
    private final StoreHealth health = new StoreHealth(time, "the store");
    private final Logger log = (Logger) LoggerFactory.getLogger(StoreHealth.class);
    private final ListAppender<ILoggingEvent> said = new ListAppender<>();

    @BeforeEach
    void listen() {
        said.start();
        log.addAppender(said);
    }

    @AfterEach
    void stopListening() {
        log.detachAppender(said);
    }

    @Test
    void saysOnceThatTheStoreIsAwayAndOnceThatItIsBack() {
        health.failed(Asking.WATCH, new StoreException("away"));
        health.failed(Asking.LEASE, new StoreException("still away"));
        health.answered(Asking.WATCH);
        health.answered(Asking.LEASE);

        assertThat(lines()).containsExactly("away; trying again until it answers", "the store answers again");
        assertThat(health.status().reachable()).isTrue();
    }

    @Test
    void aDenialIsToldAlsoWhenTheStoreWasAwayBefore() {
        health.failed(Asking.WATCH, new StoreException("away"));
        health.failed(Asking.WATCH, denial());
        health.failed(Asking.WATCH, denial());

        assertThat(lines())
                .containsExactly("away; trying again until it answers", "forbidden; trying again until it lets us");
        assertThat(health.status().denied()).isTrue();
    }

    @Test
    void aDenialLastsUntilTheOneWhoWasDeniedIsAnswered() {
        health.failed(Asking.WATCH, denial());
        health.answered(Asking.LEASE);
        assertThat(health.status().denied()).isTrue();

        health.answered(Asking.WATCH);
        assertThat(health.status().denied()).isFalse();
    }

    @Test
    void aStoreThatIsOnlyAwayDeniesNothing() {
        health.failed(Asking.WATCH, new StoreException("away"));

        assertThat(health.status().denied()).isFalse();
    }

    @Test
    void theSameTroubleIsNotToldTwiceWithinAMinute() {
        for (int i = 0; i < 3; i++) {
            health.failed(Asking.WATCH, denial());
            health.answered(Asking.WATCH);
        }
        time.runUntil(time.instant().plus(Duration.ofMinutes(2)), () -> {});
        health.failed(Asking.WATCH, denial());

        assertThat(lines().stream().filter(line -> line.startsWith("forbidden")))
                .hasSize(2);
    }

    private List<String> lines() {
        return said.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private static StoreException denial() {
        return new DeniedException("forbidden", new IllegalStateException());
    }
}

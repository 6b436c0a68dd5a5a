package io.flannelj.lease.loop;

import io.flannelj.config.ConfigException;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.LeaseAttributes;
import io.flannelj.lease.LeaseCache;
import io.flannelj.lease.NodeNotes;
import io.flannelj.lease.StoreException;
import io.flannelj.lease.SubnetManager;
import io.flannelj.lease.UnassignedException;
import io.flannelj.lease.machine.Backoff;
import io.flannelj.net.PerFamily;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads from the store what has to be known before a lease can be asked for, and waits for it with growing pauses, for as
 * long as it takes. What goes wrong is logged once, not at every try. Calls block; {@link #close} ends them early.
 */
public final class StartupReader implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(StartupReader.class);
    private static final Backoff PAUSES = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5));

    private final SubnetManager store;
    private final StoreHealth health;
    private final Clock clock;
    private final RandomGenerator random;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile String waitingFor = "";
    private String logged = "";
    private boolean refuted;

    public StartupReader(SubnetManager store, StoreHealth health, Clock clock, RandomGenerator random) {
        this.store = store;
        this.health = health;
        this.clock = clock;
        this.random = random;
    }

    private interface Read<T> {
        /** Empty while the store holds nothing of it. */
        Optional<T> from(SubnetManager store) throws StoreException, ConfigException;
    }

    /** The first answer; empty once {@code saved} has to serve instead. */
    private <T> Optional<T> await(Read<T> read, @Nullable LeaseCache saved) throws ConfigException, ClosedException {
        for (int failures = 0; ; failures++) {
            try {
                Optional<T> answer = read.from(store);
                health.answered(StoreHealth.Asking.LEASE);
                if (answer.isPresent()) {
                    waitingFor = "";
                    logged = "";
                    return answer;
                }
                logOnce("no network config at " + store.configLocation() + " yet; " + store.configRemedy());
            } catch (UnassignedException e) {
                health.answered(StoreHealth.Asking.LEASE);
                logOnce(e.problem());
                refuted = true; // from now on what was written down does not serve
            } catch (StoreException e) {
                health.failed(StoreHealth.Asking.LEASE, e);
                waitingFor = e.problem();
                if (saved != null && !refuted && saved.isUsableAt(clock.instant())) {
                    return Optional.empty();
                }
            }
            pause(PAUSES.delay(failures, random.nextLong()));
        }
    }

    /**
     * The network config document, as soon as the store answers and somebody has written it.
     *
     * @param saved what the previous run wrote down, for when the store does not answer; null when there is nothing
     * @throws ConfigException when what is written there has problems
     */
    public NetworkConfig awaitNetworkConfig(@Nullable LeaseCache saved) throws ConfigException, ClosedException {
        Optional<NetworkConfig> config = await(
                from -> {
                    Optional<String> document = from.fetchNetworkConfig();
                    return document.isEmpty() ? Optional.empty() : Optional.of(parse(document.get()));
                },
                saved);
        return config.isPresent() || saved == null ? config.orElseThrow() : NetworkConfig.parse(saved.config());
    }

    private NetworkConfig parse(String document) throws ConfigException {
        NetworkConfig config = NetworkConfig.parse(document);
        Optional<String> objection = store.objectionTo(config);
        if (objection.isPresent()) {
            throw new ConfigException("the network config", List.of(objection.get()));
        }
        return config;
    }

    /**
     * What the store knows of this node already, as soon as it answers.
     *
     * @param saved what the previous run wrote down, for when the store does not answer; null when there is nothing
     */
    public Notes awaitNotes(@Nullable LeaseCache saved) throws ConfigException, ClosedException {
        refuted = false;
        Optional<NodeNotes> answer = await(from -> Optional.of(from.notes()), saved);
        NodeNotes notes = answer.isPresent() || saved == null
                ? answer.orElseThrow()
                : notesOf(saved.own().lease().attributes());
        return new Notes(notes, refuted ? null : saved);
    }

    /** What a store that assigns subnets told the peers last, it tells them until it is back. */
    private NodeNotes notesOf(LeaseAttributes saved) {
        return new NodeNotes(PerFamily.none(), store.assigns() ? saved.publicIps() : PerFamily.none(), saved);
    }

    /**
     * What is known of this node.
     *
     * @param saved what the previous run wrote down; null once the store has answered that it knows no such node
     */
    public record Notes(NodeNotes notes, @Nullable LeaseCache saved) {}

    /** What is being waited for, human-readable; empty when nothing. */
    public String waitingFor() {
        return waitingFor;
    }

    private void logOnce(String message) {
        waitingFor = message;
        if (!logged.equals(message)) {
            logged = message;
            log.warn("{}", message);
        }
    }

    private void pause(Duration duration) throws ClosedException {
        try {
            if (closed.await(duration.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new ClosedException();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClosedException();
        }
    }

    @Override
    public void close() {
        closed.countDown();
    }
}

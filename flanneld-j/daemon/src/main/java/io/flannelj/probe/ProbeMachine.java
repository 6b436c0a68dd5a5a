package io.flannelj.probe;

import io.flannelj.net.IpAddress;
import io.flannelj.probe.Probe.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.random.RandomGenerator;

/**
 * Probes all peers: the time and the answers go in, what is to be sent and when to look again come out. No I/O, no clock.
 *
 * <p>A short probe goes to each peer every three seconds, with some jitter, and less often where there are so many peers that
 * all of them together would take more than {@link #ECHOES_PER_SECOND}; trials have a budget of their own. What a probe carries
 * is random, and an answer counts once, from the peer that was asked, and for ten seconds: nobody who has not received the probe
 * can answer it.
 *
 * <p>One owner, one thread.
 */
public final class ProbeMachine {
    public static final int ECHOES_PER_SECOND = 50;
    public static final int TRIAL_DATAGRAMS_PER_SECOND = 50;
    private static final Duration ECHO_EVERY = Duration.ofSeconds(3);
    private static final Duration ECHO_IN_DOUBT = Duration.ofSeconds(1);
    private static final Duration ANSWERS_COUNT_FOR = Duration.ofSeconds(10);
    static final int ECHO_BYTES = 84; // as ping(8) sends it: payload of 56 bytes

    private final RandomGenerator random;
    private final Map<PathKey, PathProbes> paths = new HashMap<>();
    private final LinkedHashMap<Long, Awaited> awaited = new LinkedHashMap<>();
    private final Set<PathKey> changed = new LinkedHashSet<>();
    private final List<Change> changes = new ArrayList<>();
    private boolean widthsChanged;
    private final Turns echoes;
    private final Turns trials;
    private Duration echoEvery = ECHO_EVERY;
    private long numbers;

    /** When the latest datagram was sent. */
    private Instant latest = Instant.MIN;

    /** A datagram that may be answered. */
    private record Awaited(PathProbes path, Kind kind, long echo, Instant sentAt) {}

    /** What people are told of. */
    public record Change(What what, PathState before, PathState now) {
        /** What has changed. */
        public enum What {
            REACH,
            MTU,
            SEGMENTATION,
            CHECKSUM
        }
    }

    public ProbeMachine(RandomGenerator random, Instant now) {
        this.random = random;
        this.echoes = new Turns(ECHOES_PER_SECOND, now);
        this.trials = new Turns(TRIAL_DATAGRAMS_PER_SECOND, now);
    }

    /** Probes these paths from now on. What is known of one that stays the same is kept. */
    public void follow(Collection<ProbedPath> wanted, Instant now) {
        Map<PathKey, ProbedPath> byKey = new HashMap<>();
        wanted.forEach(path -> byKey.put(path.key(), path));
        paths.values().removeIf(probes -> {
            boolean gone = !probes.path().equals(byKey.get(probes.path().key()));
            if (gone) {
                echoes.remove(probes);
                trials.remove(probes);
                changed.add(probes.path().key());
            }
            return gone;
        });
        echoEvery = Duration.ofSeconds(1).multipliedBy(byKey.size()).dividedBy(ECHOES_PER_SECOND);
        if (echoEvery.compareTo(ECHO_EVERY) < 0) {
            echoEvery = ECHO_EVERY;
        }
        for (ProbedPath path : byKey.values()) {
            if (!paths.containsKey(path.key())) {
                PathProbes probes = new PathProbes(numbers++, path, now);
                paths.put(path.key(), probes);
                changed.add(path.key());
                echoes.put(probes, now.plus(part(echoEvery, random.nextDouble())));
            }
        }
    }

    /**
     * Lets time pass.
     *
     * @param heard how many packets came from a peer until now, answers among them
     * @return what is to be sent now, in this order
     */
    public List<Probe> step(Instant now, ToLongFunction<PathKey> heard) {
        forgetWhatIsTooLate(now);
        List<Probe> due = new ArrayList<>();
        for (PathProbes path = echoes.take(now); path != null; path = echoes.take(now)) {
            long packets = heard.applyAsLong(path.path().key());
            judge(path, now, packets);
            due.add(echo(path, now, packets));
            echoes.spend(1);
            Duration wait = path.echoes().isInDoubt(now) ? ECHO_IN_DOUBT : echoEvery;
            echoes.put(path, now.plus(part(wait, 0.9 + 0.2 * random.nextDouble())));
            changed.add(path.path().key());
        }
        for (PathProbes path = trials.take(now); path != null; path = trials.take(now)) {
            conclude(path, now);
            Kind kind = path.begin(now);
            if (kind != null) {
                List<Probe> probes = trial(path, kind, now, heard);
                due.addAll(probes);
                probes.forEach(probe -> trials.spend(probe.tokens().size()));
            }
            trials.put(path, path.trialDue(now));
        }
        return due;
    }

    private void judge(PathProbes path, Instant now, long packets) {
        Reach next = path.echoes().judge(now, packets);
        if (next != path.echoes().reach()) {
            PathState before = path.state(now);
            path.become(next, now);
            widthsChanged = true;
            changes.add(new Change(Change.What.REACH, before, path.state(now)));
            trials.put(path, path.trialDue(now));
        }
    }

    private void conclude(PathProbes path, Instant now) {
        PathState before = path.state(now);
        boolean wasWide = path.isWide();
        boolean isNew = path.conclude(now);
        widthsChanged |= path.isWide() != wasWide;
        if (isNew) {
            PathState after = path.state(now);
            changes.add(new Change(what(before, after), before, after));
            changed.add(path.path().key());
        }
    }

    private static Change.What what(PathState before, PathState after) {
        if (after.segmentation() != before.segmentation()) {
            return Change.What.SEGMENTATION;
        }
        return after.checksum() != before.checksum() ? Change.What.CHECKSUM : Change.What.MTU;
    }

    private Probe echo(PathProbes path, Instant now, long packets) {
        long echo = path.echoes().send(now, packets);
        return new Probe(
                path.path().key(), Kind.ECHO, ECHO_BYTES, List.of(await(new Awaited(path, Kind.ECHO, echo, now))));
    }

    private List<Probe> trial(PathProbes path, Kind first, Instant now, ToLongFunction<PathKey> heard) {
        List<Probe> probes = new ArrayList<>();
        for (Kind kind : PathProbes.kinds(first)) {
            if (kind == Kind.ECHO) {
                probes.add(echo(path, now, heard.applyAsLong(path.path().key())));
                continue;
            }
            List<Long> tokens = new ArrayList<>();
            for (int i = 0; i < (kind == Kind.WHOLE ? 1 : FeatureTrial.TRAIN); i++) {
                tokens.add(await(new Awaited(path, kind, -1, now)));
            }
            probes.add(new Probe(path.path().key(), kind, path.trialBytes(kind), tokens));
        }
        return probes;
    }

    private long await(Awaited datagram) {
        long token = random.nextLong();
        awaited.put(token, datagram);
        latest = datagram.sentAt();
        return token;
    }

    private void forgetWhatIsTooLate(Instant now) {
        Iterator<Awaited> oldest = awaited.values().iterator();
        while (oldest.hasNext()
                && oldest.next().sentAt().plus(ANSWERS_COUNT_FOR).isBefore(now)) {
            oldest.remove();
        }
    }

    /**
     * An answer came; whatever it is.
     *
     * @param from who sent it
     * @param after how long after the probe was sent it came
     * @return whether it answers one of our probes
     */
    public boolean answered(long token, IpAddress from, Duration after, Instant now, ToLongFunction<PathKey> heard) {
        Awaited datagram = awaited.get(token);
        if (datagram == null || !datagram.path().path().key().target().equals(from)) {
            return false;
        }
        awaited.remove(token);
        PathProbes path = datagram.path();
        if (!isCurrent(path)) {
            return true;
        }
        path.answered(datagram.kind(), datagram.sentAt());
        if (datagram.kind() == Kind.ECHO && path.echoes().answer(datagram.echo(), after)) {
            judge(path, now, heard.applyAsLong(path.path().key()));
            changed.add(path.path().key());
        }
        trials.put(path, path.trialDue(now));
        return true;
    }

    /** Whether it is still followed. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isCurrent(PathProbes path) {
        return paths.get(path.path().key()) == path;
    }

    /** This node's kernel refuses a probe for its length, or for being a run. */
    public void refused(Probe probe, Instant now) {
        PathProbes path = paths.get(probe.path());
        if (path != null && (probe.kind() == Kind.WHOLE || probe.kind() == Kind.SEGMENTED)) {
            boolean wasWide = path.isWide();
            path.isRefused(now);
            widthsChanged |= path.isWide() != wasWide;
            trials.put(path, path.trialDue(now));
        }
    }

    /**
     * This node was told that some packet was too big, by whomever. What was found of the paths of a device is tried again, but not
     * more often than every five seconds.
     */
    public void isTold(String device, Instant now) {
        for (PathProbes path : paths.values()) {
            if (path.path().key().device().equals(device)) {
                path.isTold(now);
                trials.put(path, path.trialDue(now));
            }
        }
    }

    /** When to call {@link #step} again, at the latest. */
    public Instant again() {
        Instant echo = echoes.next();
        Instant trial = trials.next();
        return echo.isBefore(trial) ? echo : trial;
    }

    /** Whether a probe that was sent since then may still be answered in time. */
    public boolean isAwaiting(Instant now) {
        return !awaited.isEmpty() && latest.isAfter(now.minus(Echoes.TIMEOUT));
    }

    /** The paths of which there is something new since the last call. */
    public Set<PathKey> takeChanged() {
        Set<PathKey> taken = Set.copyOf(changed);
        changed.clear();
        return taken;
    }

    /** What people are to be told since the last call. */
    public List<Change> takeChanges() {
        List<Change> taken = List.copyOf(changes);
        changes.clear();
        return taken;
    }

    /** Whether {@link #isWide} may say something else than at the last call. */
    public boolean takeWidthsChanged() {
        boolean taken = widthsChanged;
        widthsChanged = false;
        return taken;
    }

    /**
     * Whether each path of a device that answers is known to take more than the shortest packet that must never be cut inside. So
     * nothing of what is sent there needs to be cut outside.
     */
    public boolean isWide(String device) {
        return paths.values().stream()
                .filter(path -> path.path().key().device().equals(device))
                .allMatch(PathProbes::isWide);
    }

    /** What is known of a path; empty when it is not followed. */
    public Optional<PathState> state(PathKey key, Instant now) {
        return Optional.ofNullable(paths.get(key)).map(path -> path.state(now));
    }

    private static Duration part(Duration whole, double part) {
        return Duration.ofNanos((long) (whole.toNanos() * part));
    }
}

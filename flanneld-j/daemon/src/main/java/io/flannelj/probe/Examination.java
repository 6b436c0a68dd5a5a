package io.flannelj.probe;

import io.flannelj.net.UdpFeature;
import io.flannelj.probe.Probe.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Looks at one path now, because somebody asks: in a few rounds, each of which sends all that it tries at once, beside a short probe
 * that must be answered for the round to count. A healthy path takes one round for its length and its trains; one that takes less
 * than it should is divided by fifteen a round. Pure as {@link ProbeMachine} is: time and answers go in, probes and a report come
 * out.
 */
public final class Examination {
    private static final int ECHOES = 4;
    private static final int ROUNDS = 12;
    private static final int SILENT_ROUNDS = 3;
    private static final int LOST = 3; // as RFC 8899 has it
    private static final int DAMAGED = 5; // one more than a lossy path shows by chance in a thousand examinations
    private static final int PARTS = 15;
    private static final int ECHO_BYTES = 84;
    private static final Duration MIN_WAIT = Duration.ofMillis(200);
    private static final Duration MAX_WAIT = Duration.ofMillis(800);

    private final ProbedPath path;
    private final RandomGenerator random;
    private final Map<Long, Sent> awaited = new HashMap<>();
    private final List<Duration> roundTrips = new ArrayList<>();
    private final Map<Kind, Integer> answered = new HashMap<>();
    private final List<Integer> passed = new ArrayList<>();
    private List<Integer> tried = List.of();
    private int rounds;
    private int heard;
    private int unheard;
    private int lost;
    private int low;
    private int high;
    private int found;
    private int damaged;
    private boolean tooLong;
    private boolean isWaiting;
    private boolean isSegmented;
    private final boolean isMeasured;
    private FeatureVerdict segmentation = FeatureVerdict.UNTESTED;
    private Instant begun = Instant.MIN;
    private boolean isEchoed;

    private record Sent(Kind kind, int bytes, int round) {}

    /**
     * Begins with {@link #begin}.
     *
     * @param random unguessable
     */
    public Examination(ProbedPath path, RandomGenerator random) {
        this.path = path;
        this.random = random;
        this.low = Math.min(path.leastMtuBytes(), path.mtuBytes());
        this.high = path.mtuBytes();
        this.isMeasured = path.leastMtuBytes() < path.mtuBytes(); // the kernel pads nothing for us
        this.isSegmented = path.uses(UdpFeature.SEGMENTATION);
    }

    public PathKey key() {
        return path.key();
    }

    /** Whether nothing more is to be sent. */
    public boolean isOver() {
        boolean silent = heard == 0 && rounds >= SILENT_ROUNDS;
        boolean whole = (found > 0 || !isMeasured)
                && (segmentation != FeatureVerdict.UNTESTED || !isSegmented)
                && roundTrips.size() >= ECHOES;
        return !isWaiting && (silent || whole || rounds >= ROUNDS);
    }

    /** Ends the round whose time is over, or all of which is answered; whether another one may begin. */
    public boolean conclude(Instant now) {
        if (isWaiting
                && now.isBefore(begun.plus(patience()))
                && awaited.values().stream().anyMatch(sent -> sent.round() == rounds)) {
            return false;
        }
        isWaiting = false;
        if (rounds > 0) {
            judge();
        }
        return true;
    }

    private void judge() {
        boolean counts = answered.getOrDefault(Kind.ECHO, 0) > 0;
        heard += counts ? 1 : 0;
        unheard = counts ? 0 : unheard + 1;
        if (found == 0 && isMeasured) {
            judgeLength(counts);
        }
        if (segmentation == FeatureVerdict.UNTESTED) {
            if (answered.getOrDefault(Kind.SEGMENTED, 0) == FeatureTrial.TRAIN) {
                segmentation = FeatureVerdict.WORKS;
            } else if (answered.getOrDefault(Kind.SEPARATE, 0) == FeatureTrial.TRAIN) {
                damaged++;
                segmentation = damaged >= DAMAGED ? FeatureVerdict.DAMAGES : segmentation;
            }
        }
    }

    private void judgeLength(boolean counts) {
        if (passed.contains(path.mtuBytes())) {
            found = path.mtuBytes();
        } else if (!tooLong) {
            lost += counts ? 1 : 0;
            tooLong = lost >= LOST;
        } else if (counts || !passed.isEmpty()) {
            low = passed.stream().reduce(low, Math::max);
            int above = low;
            high = tried.stream().filter(size -> size > above).reduce(high, Math::min);
            found = high - low <= 1 ? low : 0;
        }
    }

    /** What is to be sent now, in this order. */
    public List<Probe> begin(Instant now) {
        rounds++;
        answered.clear();
        passed.clear();
        isWaiting = true;
        isEchoed = false;
        begun = now;
        List<Probe> probes = new ArrayList<>(List.of(probe(Kind.ECHO, ECHO_BYTES, 1)));
        tried = found > 0 || !isMeasured ? List.of() : sizes();
        tried.forEach(size -> probes.add(probe(Kind.WHOLE, size, 1)));
        if (isSegmented && segmentation == FeatureVerdict.UNTESTED && (found > 0 || !tooLong)) {
            int bytes = found > 0 ? found : path.mtuBytes();
            probes.add(probe(Kind.SEGMENTED, bytes, FeatureTrial.TRAIN));
            probes.add(probe(Kind.SEPARATE, bytes, FeatureTrial.TRAIN));
        }
        return probes;
    }

    /** The whole length alone, until it is lost; then what divides the range, and the whole length once more. */
    private List<Integer> sizes() {
        if (!tooLong) {
            return List.of(path.mtuBytes());
        }
        int step = Math.max(1, (high - low + PARTS) / (PARTS + 1));
        List<Integer> sizes = new ArrayList<>(IntStream.rangeClosed(1, PARTS)
                .map(part -> low + part * step)
                .filter(size -> size < high)
                .boxed()
                .toList());
        sizes.add(path.mtuBytes());
        return sizes;
    }

    private Probe probe(Kind kind, int bytes, int count) {
        List<Long> tokens = random.longs(count).boxed().toList();
        tokens.forEach(token -> awaited.put(token, new Sent(kind, bytes, rounds)));
        return new Probe(path.key(), kind, bytes, tokens);
    }

    /** By the latest round trip, this round's as soon as it is known. */
    private Duration patience() {
        Duration wait = roundTrips.stream()
                .reduce((first, last) -> last)
                .map(last -> last.multipliedBy(4))
                .orElse(MAX_WAIT);
        wait = unheard > 0 && !isEchoed ? MAX_WAIT : wait; // the machine may be busy
        return wait.compareTo(MIN_WAIT) < 0 ? MIN_WAIT : wait.compareTo(MAX_WAIT) > 0 ? MAX_WAIT : wait;
    }

    /**
     * An answer came; whatever it is.
     *
     * @param after how long after the probe was sent it came
     * @return whether it answers one of our probes
     */
    public boolean answered(long token, Duration after) {
        Optional<Sent> probe = Optional.ofNullable(awaited.remove(token));
        probe.ifPresent(sent -> {
            if (sent.round() == rounds) {
                answered.merge(sent.kind(), 1, Integer::sum);
            }
            if (sent.kind() == Kind.ECHO) {
                roundTrips.add(after);
                isEchoed |= sent.round() == rounds;
            } else if (sent.kind() == Kind.WHOLE) {
                passed.add(sent.bytes()); // that it is late says nothing against its length
            }
        });
        return probe.isPresent();
    }

    /** This node itself cannot send that: it is not waited for. */
    public void refused(Probe probe) {
        probe.tokens().forEach(awaited::remove);
        if (probe.kind() == Kind.WHOLE && probe.bytes() == path.mtuBytes()) {
            tooLong = true;
        } else if (probe.kind() == Kind.SEGMENTED) {
            isSegmented = false; // who sends data finds that out, too
        }
    }

    /** What was found until now. */
    public PathReport report(PathState inUse) {
        return new PathReport(
                path.key(),
                rounds,
                roundTrips,
                found,
                path.mtuBytes(),
                isSegmented ? segmentation : FeatureVerdict.UNTESTED,
                inUse);
    }
}

package io.flannelj.probe;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.UdpFeature;
import io.flannelj.probe.Probe.Kind;
import io.flannelj.probe.ProbeMachine.Change;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.stream.IntStream;

/** Drives the machine in virtual time over paths that lose, delay, repeat and cut as they are told. */
final class VirtualPath {
    static final int MTU = 1450;
    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

    final Random random = new Random(7);
    final ProbeMachine machine = new ProbeMachine(new Random(1), BEGIN);
    final List<Change> changes = new ArrayList<>();
    final List<Probe> sent = new ArrayList<>();
    Instant now = BEGIN;

    double loss;
    double lossOfLongOnes;
    int mtu = MTU;
    boolean damagesRuns;
    boolean damagesChecksums;
    boolean isDead;
    boolean isHeard;
    int copies = 1;
    int refusedAbove = Integer.MAX_VALUE;
    Duration delay = Duration.ofMillis(1);

    private final Map<PathKey, Long> heard = new HashMap<>();
    private final PriorityQueue<Arrival> arrivals = new PriorityQueue<>(Comparator.comparing(Arrival::at));

    private record Arrival(Instant at, Instant sentAt, long token, PathKey from) {}

    static PathKey key(int number) {
        return key(number, CarriedBy.DAEMON);
    }

    static PathKey key(int number, CarriedBy carriedBy) {
        return PathKey.ofTunnel(
                "flannel.1",
                Cidr.parse("10.5." + number % 256 + ".0/24"),
                IpAddress.ofIpv4(0x0a00_0000 + number),
                carriedBy);
    }

    VirtualPath follow(int paths) {
        machine.follow(
                IntStream.range(0, paths)
                        .mapToObj(number -> new ProbedPath(keyOf(number), MTU, 576, UdpFeature.ALL))
                        .toList(),
                now);
        return this;
    }

    /** Of many. */
    private static PathKey keyOf(int number) {
        return number < 256
                ? key(number)
                : PathKey.ofTunnel(
                        "flannel.1",
                        new Cidr(IpAddress.ofIpv4(0x0a80_0000 + number * 256), 24),
                        IpAddress.ofIpv4(0x0a00_0000 + number),
                        CarriedBy.DAEMON);
    }

    VirtualPath run(Duration time) {
        Instant end = now.plus(time);
        while (now.isBefore(end)) {
            while (!arrivals.isEmpty() && !arrivals.peek().at().isAfter(now)) {
                Arrival arrival = arrivals.remove();
                heard.merge(arrival.from(), 1L, Long::sum);
                machine.answered(
                        arrival.token(),
                        arrival.from().target(),
                        Duration.between(arrival.sentAt(), arrival.at()),
                        now,
                        this::heard);
            }
            if (isHeard) {
                heard.merge(key(0), 1L, Long::sum);
            }
            machine.step(now, this::heard).forEach(this::send);
            changes.addAll(machine.takeChanges());
            now = now.plusMillis(20);
        }
        return this;
    }

    private long heard(PathKey key) {
        return heard.getOrDefault(key, 0L);
    }

    private void send(Probe probe) {
        sent.add(probe);
        if (probe.kind() == Kind.WHOLE && probe.bytes() > refusedAbove) {
            machine.refused(probe, now);
            return;
        }
        for (int i = 0; i < probe.tokens().size(); i++) {
            boolean tooLong = probe.kind() == Kind.WHOLE && probe.bytes() > mtu;
            boolean damaged = damagesRuns
                    && probe.kind() == Kind.SEGMENTED
                    && i == probe.tokens().size() - 1;
            double lost = probe.kind() == Kind.ECHO ? loss : Math.max(loss, lossOfLongOnes);
            damaged |= damagesChecksums && isSummed(probe);
            if (isDead || tooLong || damaged || random.nextDouble() < lost) {
                continue;
            }
            for (int copy = 0; copy < copies; copy++) {
                Instant at = now.plus(delay.multipliedBy(copy + 1));
                arrivals.add(new Arrival(at, now, probe.tokens().get(i), probe.path()));
            }
        }
    }

    private boolean isSummed(Probe probe) {
        return isSummed(probe, machine.state(probe.path(), now).orElseThrow());
    }

    /** Whether it is sent with an outer checksum, where that is known. */
    static boolean isSummed(Probe probe, PathState known) {
        return switch (probe.kind()) {
            case ECHO, WHOLE -> known.checksum() != FeatureVerdict.DAMAGES;
            case SEGMENTED, SEPARATE -> true;
            case UNSUMMED -> false;
        };
    }

    PathState state() {
        return machine.state(key(0), now).orElseThrow();
    }

    long changesOf(Change.What what) {
        return changes.stream().filter(change -> change.what() == what).count();
    }

    static long datagrams(Collection<Probe> probes) {
        return probes.stream().mapToLong(probe -> probe.tokens().size()).sum();
    }
}

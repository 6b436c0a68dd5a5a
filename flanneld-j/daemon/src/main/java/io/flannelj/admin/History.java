package io.flannelj.admin;

import io.flannelj.admin.HistoryDocument.OfPeer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The last minute of a node's traffic. One thread takes samples; any thread may read.
 *
 * <p>What a restart of the data path sets back to zero counts as nothing, not as less than nothing.
 */
final class History {
    /** Seconds between two samples. */
    static final int STEP_SECONDS = 5;

    /** With more peers than these only the sums are kept: memory has an end, and so has a page. */
    static final int MAX_PEERS = 256;

    private static final int SAMPLES = 60 / STEP_SECONDS + 1;

    private final LongSupplier nanoTime;
    private volatile List<Sample> samples = List.of();

    /**
     * @param nanoTime as {@link System#nanoTime}; samples may be late, and rates are of the time that has passed
     */
    History(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    private record Sample(long nanos, StatusDocument.@Nullable Traffic traffic, Map<String, OnePeer> peers) {
        StatusDocument.Traffic counters() {
            return Objects.requireNonNull(traffic);
        }
    }

    private record OnePeer(long nanos, @Nullable Double rttMillis, long out, long in) {}

    /** Takes a sample; every {@link #STEP_SECONDS}. */
    void sample(DaemonView daemon) {
        long nanos = nanoTime.getAsLong();
        StatusDocument status = daemon.status();
        Map<String, OnePeer> peers = new TreeMap<>();
        if (status.peers() <= MAX_PEERS) {
            for (PeerDocument peer : daemon.peers()) {
                if (peer.problem() == null) {
                    peers.put(
                            peer.subnet(),
                            new OnePeer(nanos, rtt(peer), orZero(peer.bytesOut()), orZero(peer.bytesIn())));
                }
            }
        }
        List<Sample> now = new ArrayList<>(samples);
        if (now.size() == SAMPLES) {
            now.remove(0);
        }
        now.add(new Sample(nanos, status.traffic(), peers));
        samples = List.copyOf(now);
    }

    private static @Nullable Double rtt(PeerDocument peer) {
        List<PathDocument> paths = peer.paths();
        return paths == null || !paths.get(0).isAnswering()
                ? null
                : paths.get(0).rttMillis();
    }

    private static long orZero(@Nullable Long value) {
        return value == null ? 0 : value;
    }

    /** What the samples of now say. */
    HistoryDocument document() {
        List<Sample> now = samples;
        Map<String, OfPeer> peers = new TreeMap<>();
        if (!now.isEmpty()) {
            for (String peer : now.get(now.size() - 1).peers().keySet()) {
                List<OnePeer> known = now.stream()
                        .flatMap(sample -> Stream.ofNullable(sample.peers().get(peer)))
                        .toList();
                List<@Nullable Double> times = new ArrayList<>();
                known.forEach(one -> times.add(one.rttMillis()));
                peers.put(
                        peer,
                        new OfPeer(
                                times,
                                rates(known, OnePeer::nanos, OnePeer::out),
                                rates(known, OnePeer::nanos, OnePeer::in)));
            }
        }
        List<Sample> carried =
                now.stream().filter(sample -> sample.traffic() != null).toList();
        return new HistoryDocument(
                STEP_SECONDS,
                rates(carried, Sample::nanos, sample -> sample.counters().outBytes()),
                rates(carried, Sample::nanos, sample -> sample.counters().inBytes()),
                drops(carried.stream().map(Sample::counters).toList()),
                peers);
    }

    private static <T> List<Double> rates(List<T> samples, ToLongFunction<T> nanos, ToLongFunction<T> bytes) {
        List<Double> rates = new ArrayList<>();
        for (int i = 1; i < samples.size(); i++) {
            T before = samples.get(i - 1);
            T after = samples.get(i);
            double seconds = Math.max(1, nanos.applyAsLong(after) - nanos.applyAsLong(before)) / 1e9;
            rates.add(Math.max(0, bytes.applyAsLong(after) - bytes.applyAsLong(before)) / seconds);
        }
        return rates;
    }

    private static Map<String, Long> drops(List<StatusDocument.Traffic> samples) {
        Map<String, Long> drops = new TreeMap<>();
        for (int i = 1; i < samples.size(); i++) {
            Map<String, Long> before = samples.get(i - 1).drops();
            samples.get(i).drops().forEach((reason, packets) -> {
                long grown = packets - before.getOrDefault(reason, 0L);
                if (grown > 0) {
                    drops.merge(reason, grown, Long::sum);
                }
            });
        }
        return drops;
    }
}

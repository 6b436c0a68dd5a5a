package io.flannelj.probe.loop;

import io.flannelj.net.IpAddress;
import io.flannelj.probe.Examination;
import io.flannelj.probe.PathKey;
import io.flannelj.probe.PathReport;
import io.flannelj.probe.PathState;
import io.flannelj.probe.Probe;
import io.flannelj.probe.ProbedPath;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/** The examinations that are going on, and who waits for them; so many at once. Confined to the prober's thread. */
final class Examinations {
    private static final int MOST = 16;

    private final RandomGenerator random;
    private final List<Asked> all = new ArrayList<>();

    private record Asked(Examination examination, CompletableFuture<PathReport> report) {}

    /** Sends a probe. */
    interface Sender {
        /**
         * Sends it.
         *
         * @param refused what to do when this node's kernel does not let it
         */
        void send(Probe probe, Runnable refused);
    }

    Examinations(RandomGenerator random) {
        this.random = random;
    }

    /** Begins to examine the paths to a node. */
    CompletableFuture<List<PathReport>> begin(Collection<ProbedPath> paths, IpAddress node) {
        List<CompletableFuture<PathReport>> reports = new ArrayList<>();
        for (ProbedPath path : paths) {
            if (path.key().node().equals(node) && all.size() < MOST) {
                Asked asked = new Asked(new Examination(path, random), new CompletableFuture<>());
                all.add(asked);
                reports.add(asked.report());
            }
        }
        return CompletableFuture.allOf(reports.toArray(CompletableFuture<?>[]::new))
                .handle((done, failure) -> failure != null
                        ? List.of()
                        : reports.stream().map(CompletableFuture::join).toList());
    }

    /** Whether an answer is to a probe of one of them. */
    boolean answered(long token, IpAddress from, Duration after) {
        return all.stream()
                .anyMatch(asked -> asked.examination().key().target().equals(from)
                        && asked.examination().answered(token, after));
    }

    /**
     * Lets time pass.
     *
     * @param inUse what the data path goes by; empty when a path is not followed any more
     */
    void step(Instant now, Function<PathKey, Optional<PathState>> inUse, Sender sender) {
        for (Asked asked : List.copyOf(all)) {
            Examination examination = asked.examination();
            Optional<PathState> state = inUse.apply(examination.key());
            boolean mayGoOn = examination.conclude(now);
            if (state.isEmpty()) {
                all.remove(asked);
                asked.report().cancel(false);
            } else if (examination.isOver()) {
                all.remove(asked);
                asked.report().complete(examination.report(state.get()));
            } else if (mayGoOn) {
                examination.begin(now).forEach(probe -> sender.send(probe, () -> examination.refused(probe)));
            }
        }
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Who waits is told that nothing comes. */
    void giveUp() {
        all.forEach(asked -> asked.report().cancel(false));
        all.clear();
    }
}

package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import io.flannelj.lease.Refusal;
import io.flannelj.lease.loop.TaskThread;
import io.flannelj.recorder.Facts;
import io.flannelj.recorder.Recorder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Looks once a second at what the daemon shows of itself, and has it written down where it changed. */
final class FactsRecorder implements AutoCloseable {
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final NodeState state;
    private final Recorder recorder;
    private final TaskThread thread = new TaskThread("flannel-events");
    private Facts last = Facts.NONE;
    private @Nullable SessionStatus seen;
    private List<Refusal> seenRefusals = List.of();
    private Map<PodSubnets, String> seenUnreachable = Map.of();

    FactsRecorder(NodeState state, Recorder recorder) {
        this.state = state;
        this.recorder = recorder;
    }

    void start() {
        thread.run(this::look);
    }

    private void look() {
        record();
        thread.after(EVERY, this::look);
    }

    private void record() {
        SessionStatus session = state.session;
        if (session == null) {
            last = new Facts(Version.current(), last.network(), last.own(), last.peers(), state.startup.waitingFor());
        } else {
            Map<PodSubnets, String> unreachable = session.backend().unreachable();
            List<Refusal> refusals = state.refusals.current();
            if (isSame(session, refusals, unreachable)) {
                return;
            }
            seen = session;
            seenRefusals = refusals;
            seenUnreachable = unreachable;
            last = facts(session, refusals, unreachable);
        }
        recorder.record(last);
    }

    /** Each is an object of its own whenever it says something else. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isSame(SessionStatus session, List<Refusal> refusals, Map<PodSubnets, String> unreachable) {
        return session == seen && refusals == seenRefusals && unreachable == seenUnreachable;
    }

    /** The daemon ends, which is written down as well. */
    @Override
    public void close() {
        thread.run(() -> recorder.record(new Facts("", last.network(), last.own(), last.peers(), last.trouble())));
        thread.close();
    }

    private static Facts facts(SessionStatus session, List<Refusal> refusals, Map<PodSubnets, String> unreachable) {
        SortedMap<String, Facts.Peer> peers = new TreeMap<>();
        session.peers()
                .forEach(lease -> peers.put(key(lease), peer(lease, unreachable.getOrDefault(lease.subnets(), ""))));
        for (Refusal refusal : refusals) {
            Lease lease = refusal.lease();
            peers.put(
                    refusal.key(),
                    lease == null
                            ? new Facts.Peer(refusal.key(), "", "", refusal.problem())
                            : peer(lease, refusal.problem()));
        }
        Backend backend = session.backend();
        String type = session.config().backend().type();
        return new Facts(
                Version.current(),
                session.config().networks() + ", " + type
                        + (backend.deviceNames().isEmpty() ? "" : " on " + String.join(", ", backend.deviceNames())),
                new Facts.Own(
                        session.own().subnets().toString(),
                        session.fenced() ? Facts.Own.State.FENCED : Facts.Own.State.HELD,
                        View.expiry(session.own().expiresAt())),
                peers,
                session.trouble());
    }

    private static String key(Lease lease) {
        String key = lease.origin().key();
        return key.isEmpty() ? lease.subnets().toString() : key;
    }

    private static Facts.Peer peer(Lease lease, String problem) {
        return new Facts.Peer(
                lease.subnets().toString(),
                PeerFacts.address(lease.attributes().publicIps()),
                lease.attributes().backendType(),
                problem);
    }
}

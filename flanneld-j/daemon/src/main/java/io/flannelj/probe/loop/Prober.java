package io.flannelj.probe.loop;

import io.flannelj.backend.KernelPath;
import io.flannelj.backend.TestedPath;
import io.flannelj.datapath.Peer;
import io.flannelj.device.DontFragment;
import io.flannelj.lease.loop.TaskQueue;
import io.flannelj.lease.loop.TaskThread;
import io.flannelj.linux.Errno;
import io.flannelj.linux.ProcNet;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.UdpFeature;
import io.flannelj.packet.Ipv6Header;
import io.flannelj.probe.CarriedBy;
import io.flannelj.probe.PathExaminer;
import io.flannelj.probe.PathKey;
import io.flannelj.probe.PathReport;
import io.flannelj.probe.PathState;
import io.flannelj.probe.PathStates;
import io.flannelj.probe.Probe;
import io.flannelj.probe.Probe.Kind;
import io.flannelj.probe.ProbeMachine;
import io.flannelj.probe.ProbedPath;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives a {@link ProbeMachine}: sends what it wants sent, tells it the answers, and shows what it finds out.
 *
 * <p>Everything is done on {@code flannel-probe}, which wakes when a probe is due, or ten times a second while answers are
 * awaited; the kernel notes when they came, so that this thread need not be there. Probes are sent beside the workers by
 * sockets of their own, or where the kernel carries, by its routes; the answers come as any packet does, to a raw socket.
 */
public final class Prober implements PathExaminer, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Prober.class);
    /** With many peers, waking up costs more than what is to be done then; the kernel notes when answers came. */
    private static final Duration SHORTEST_WAIT = Duration.ofMillis(100);

    private static final Duration WHILE_EXAMINING = Duration.ofMillis(20);
    private static final Duration WHILE_AWAITING = Duration.ofMillis(100);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(3);
    private static final int LEAST_MTU_BYTES = 576; // what every IPv4 node takes, RFC 791
    private static final int MOST_AWAITED = 4096;

    private final Clock clock;
    private final PathStates states;
    private final boolean clampMss;
    private final TaskThread thread = new TaskThread("flannel-probe");

    // owned by the thread
    private final ProbeMachine machine;
    private final Examinations examinations;
    private final PathLog pathLog = new PathLog();
    private final PacketTooBigs packetTooBigs = new PacketTooBigs(() -> ProcNet.read("snmp6"));
    private final int identifier;
    private final Map<String, Carrier> carriers = new HashMap<>();
    private final Map<IpFamily, Answers> answers = new EnumMap<>(IpFamily.class);
    private final Map<Long, Long> sentAtNanos = new LinkedHashMap<>();
    private Map<PathKey, Way> ways = Map.of();
    private List<ProbedPath> probed = List.of();
    private List<Followed> followed = List.of();
    private List<KernelPath> byKernel = List.of();
    private TaskQueue.@Nullable Pending timer;
    private String problem = "";

    private record Followed(TestedPath tunnel, List<Peer> peers) {}

    /**
     * Probes nobody yet.
     *
     * @param random unguessable
     * @param states where is shown what is found out
     * @param clampMss whether new TCP connections are told of a narrow path
     */
    public Prober(Clock clock, RandomGenerator random, PathStates states, boolean clampMss) {
        this.clock = clock;
        this.states = states;
        this.clampMss = clampMss;
        this.machine = new ProbeMachine(random, clock.instant());
        this.examinations = new Examinations(random);
        this.identifier = random.nextInt(1 << 16);
    }

    /**
     * Probes these peers from now on, and no others. Any thread.
     *
     * @param tunnels whose peers are probed, as they are now
     * @param kernelPaths that are probed as well
     */
    public void follow(List<TestedPath> tunnels, List<KernelPath> kernelPaths) {
        thread.run(() -> {
            take(tunnels, kernelPaths);
            tick();
        });
    }

    private void take(List<TestedPath> tunnels, List<KernelPath> kernelPaths) {
        List<Followed> now = tunnels.stream()
                .map(tunnel -> new Followed(tunnel, tunnel.known()))
                .toList();
        if (isFollowed(now) && byKernel.equals(kernelPaths) && problem.isEmpty()) {
            return; // the regular repair
        }
        followed = now;
        byKernel = kernelPaths;
        carriers.entrySet().removeIf(carrier -> {
            boolean gone = tunnels.stream().noneMatch(tunnel -> tunnel.device().equals(carrier.getKey()));
            if (gone) {
                carrier.getValue().close();
            }
            return gone;
        });
        Map<PathKey, Way> byKey = new HashMap<>();
        List<ProbedPath> paths = new ArrayList<>();
        try {
            for (TestedPath tunnel : tunnels) {
                Carrier carrier = open(tunnel);
                for (Peer peer : tunnel.known()) {
                    if (tunnel.isSentTo(peer)) {
                        ProbedPath path = path(tunnel, peer);
                        byKey.put(path.key(), new TunnelWay(carrier, peer, clampMss));
                        paths.add(path);
                    }
                }
            }
            for (KernelPath kernelPath : kernelPaths) {
                ProbedPath path = path(kernelPath);
                byKey.put(path.key(), answers(path.key().target().family()).pings());
                paths.add(path);
            }
            problem = "";
        } catch (IOException e) {
            if (!problem.equals(e.getMessage())) {
                problem = String.valueOf(e.getMessage());
                log.warn("peers cannot be probed: {}", problem);
            }
        }
        ways = byKey;
        probed = List.copyOf(paths);
        Instant time = clock.instant();
        machine.follow(paths, time);
        byKey.forEach((key, way) -> machine.state(key, time).ifPresent(way::use));
        tunnels.forEach(this::cut);
    }

    /** Lists are replaced as a whole. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isFollowed(List<Followed> now) {
        for (int i = 0; i < now.size() && now.size() == followed.size(); i++) {
            Followed before = followed.get(i);
            if (now.get(i).peers() != before.peers() || !now.get(i).tunnel().equals(before.tunnel())) {
                return false;
            }
        }
        return now.size() == followed.size();
    }

    private Carrier open(TestedPath tunnel) throws IOException {
        answers(tunnel.end().subnet().family());
        Carrier carrier = carriers.get(tunnel.device());
        if (carrier == null) {
            carrier = Carrier.open(tunnel, identifier);
            carriers.put(tunnel.device(), carrier);
        }
        tunnel.datapath().dontFragment(carrier.dontFragment());
        return carrier;
    }

    private Answers answers(IpFamily family) throws IOException {
        Answers open = answers.get(family);
        if (open == null) {
            open = new Answers(family, identifier);
            answers.put(family, open);
        }
        return open;
    }

    private static ProbedPath path(TestedPath tunnel, Peer peer) {
        return new ProbedPath(
                PathKey.ofTunnel(tunnel.device(), peer.subnet(), peer.underlayAddress(), CarriedBy.DAEMON),
                tunnel.end().mtuBytes(),
                peer.subnet().family() == IpFamily.IPV6 ? Ipv6Header.MIN_MTU_BYTES : LEAST_MTU_BYTES,
                UdpFeature.where(feature -> !peer.isNeverSummed()
                        && switch (feature) {
                            case SEGMENTATION -> !peer.isNeverSegmented();
                            case CHECKSUM -> tunnel.link().canLeaveChecksumsOut();
                        }));
    }

    private static ProbedPath path(KernelPath path) {
        PathKey key = switch (path.kind()) {
            case TUNNEL -> PathKey.ofTunnel(path.device(), path.subnet(), path.node(), CarriedBy.KERNEL);
            case PLAIN_ROUTE -> PathKey.ofRoute(path.device(), path.subnet(), path.node());
        };
        return new ProbedPath(key, path.mtuBytes(), path.mtuBytes(), Set.of());
    }

    private void tick() {
        Duration wait = LONGEST_WAIT;
        try {
            Instant now = clock.instant();
            receive(now);
            heed(now);
            examinations.step(now, key -> machine.state(key, now), this::send);
            for (Probe probe : machine.step(now, this::heard)) {
                send(probe, () -> machine.refused(probe, now));
            }
            show(now);
            wait = pause(now);
        } catch (RuntimeException e) { // a defect here must not end the probes
            log.error("probing peers failed, and goes on: {}", e.toString(), e);
        } finally {
            if (timer != null) {
                timer.cancel();
            }
            timer = thread.after(wait, this::tick);
        }
    }

    private void receive(Instant now) {
        Instant time = Instant.now();
        long timeNanos = time.getEpochSecond() * 1_000_000_000 + time.getNano();
        long nanos = System.nanoTime();
        for (Answers family : answers.values()) {
            family.receive((token, from, arrivedAtNanos) -> {
                Long sentAt = sentAtNanos.get(token);
                if (sentAt != null) {
                    Duration after = after(nanos - sentAt, timeNanos - arrivedAtNanos);
                    if (examinations.answered(token, from, after)) {
                        sentAtNanos.remove(token);
                    } else if (machine.answered(token, from, after, now, this::heard)) {
                        sentAtNanos.remove(token);
                        states.countAnswered();
                    }
                }
            });
        }
    }

    /**
     * How long an answer took.
     *
     * @param untilNow since the probe was sent, by the clock that never jumps
     * @param waited since the answer came, by the time of day, in which the kernel notes it
     */
    private static Duration after(long untilNow, long waited) {
        return Duration.ofNanos(waited >= 0 && waited <= untilNow ? untilNow - waited : untilNow);
    }

    /** Examines the paths to a node, beside the probes. Any thread. */
    @Override
    public CompletableFuture<List<PathReport>> examine(IpAddress node) {
        CompletableFuture<List<PathReport>> answer = new CompletableFuture<>();
        thread.run(() -> {
            examinations.begin(examined(), node).thenAccept(answer::complete);
            tick();
        });
        return answer;
    }

    /** Runs need checksums, so that they are not tried where those are left out. */
    private List<ProbedPath> examined() {
        Instant now = clock.instant();
        return probed.stream()
                .map(path -> machine.state(path.key(), now).stream().allMatch(PathState::isSummed)
                        ? path
                        : path.without(UdpFeature.SEGMENTATION))
                .toList();
    }

    private void send(Probe probe, Runnable refused) {
        Way way = ways.get(probe.path());
        if (way == null) {
            return;
        }
        long nanos = System.nanoTime();
        probe.tokens().forEach(token -> sentAtNanos.put(token, nanos));
        while (sentAtNanos.size() > MOST_AWAITED) {
            sentAtNanos.remove(sentAtNanos.keySet().iterator().next());
        }
        int errno = way.send(probe);
        if (errno == 0) {
            states.countSent(probe.tokens().size());
        } else if (errno == Errno.EMSGSIZE
                || probe.kind() == Kind.SEGMENTED && (errno == Errno.EINVAL || errno == Errno.EIO)) {
            refused.run();
        }
    }

    private long heard(PathKey key) {
        Way way = ways.get(key);
        return way == null ? 0 : way.heard();
    }

    private void show(Instant now) {
        for (PathKey key : machine.takeChanged()) {
            PathState state = machine.state(key, now).orElse(null);
            if (state == null) {
                states.remove(key);
                pathLog.forget(key);
            } else {
                states.put(state);
                Way way = ways.get(key);
                if (way != null) {
                    way.use(state);
                }
            }
        }
        pathLog.tell(machine.takeChanges(), now);
        if (machine.takeWidthsChanged()) {
            followed.forEach(one -> cut(one.tunnel()));
        }
    }

    /**
     * Over IPv6 the sender alone can cut what a path does not take, and hears of it by ICMP errors, which anybody can make up. They
     * are believed only until the paths are measured, where what was measured does not pass any more, and where one takes less
     * than every pod may send.
     */
    private void cut(TestedPath tunnel) {
        Carrier carrier = carriers.get(tunnel.device());
        if (carrier == null || !isCutHere(tunnel)) {
            return;
        }
        DontFragment wanted = machine.isWide(tunnel.device()) ? DontFragment.UNSET : DontFragment.UNSET_AS_TOLD;
        if (carrier.dontFragment() != wanted) {
            carrier.dontFragment(wanted);
            tunnel.datapath().dontFragment(wanted);
        }
    }

    private static boolean isCutHere(TestedPath tunnel) {
        return tunnel.link().dontFragment() != DontFragment.UNSET;
    }

    /** An ICMP error may be made up, an answer to a probe cannot be: so an error is a reason to look, and no more. */
    private void heed(Instant now) {
        List<TestedPath> cutHere = followed.stream()
                .map(Followed::tunnel)
                .filter(Prober::isCutHere)
                .toList();
        if (!cutHere.isEmpty() && packetTooBigs.haveCome(now)) {
            cutHere.forEach(tunnel -> machine.isTold(tunnel.device(), now));
        }
    }

    private Duration pause(Instant now) {
        if (!examinations.isEmpty()) {
            return WHILE_EXAMINING;
        }
        Instant again = machine.again();
        Duration longest = machine.isAwaiting(now) ? WHILE_AWAITING : LONGEST_WAIT;
        if (again.isAfter(now.plus(longest))) {
            return longest;
        }
        Duration left = Duration.between(now, again);
        return left.compareTo(SHORTEST_WAIT) < 0 ? SHORTEST_WAIT : left;
    }

    @Override
    public void close() {
        thread.run(() -> {
            carriers.values().forEach(Carrier::close);
            answers.values().forEach(Answers::close);
            carriers.clear();
            answers.clear();
            ways = Map.of();
            probed = List.of();
            examinations.giveUp();
            machine.follow(List.of(), clock.instant());
            show(clock.instant());
        });
        thread.close();
    }
}

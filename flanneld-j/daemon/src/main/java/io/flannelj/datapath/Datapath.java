package io.flannelj.datapath;

import io.flannelj.device.EpollWatch;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UdpPort;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * A running data path: lanes, each with a worker on an event loop of its own, and the only way to tell them about peers. It
 * owns the TUN queues and UDP ports it was given.
 *
 * <p>With several lanes the kernel spreads flows over TUN queues and ports, and keeps each flow on its own, so that packets
 * of a flow stay in order.
 *
 * <p>{@link #route} belongs to the control thread; reading counters and peers is anybody's.
 */
public final class Datapath implements AutoCloseable {
    private final MultiThreadIoEventLoopGroup group;
    private final List<Lane> lanes;
    private final List<Worker> workers = new ArrayList<>();
    private final List<IoRegistration> watches = new ArrayList<>();
    private final TrafficCounters counters;
    private volatile RouteTable routes = RouteTable.EMPTY;

    /** What one worker works between. */
    public record Lane(TunQueue tun, UdpPort port) {}

    /** How the event loops run, whatever they carry. */
    public interface LoopSetup {
        /** Called once on each loop's own thread before it carries anything. */
        void prepare(int lane);
    }

    /**
     * Starts to carry traffic; to nobody until {@link #route} is called.
     *
     * @param setup told of each loop on its thread
     * @param onSegmentationRefused told, on an event loop, of each peer on whose path the kernel refuses UDP segmentation
     * @param onTunLost told, on an event loop, with the errno, when the TUN device can no longer be read: EBADFD when somebody
     *     deleted it; once for each lane
     */
    public Datapath(
            List<Lane> lanes,
            TunnelEnd end,
            LoopSetup setup,
            Consumer<Peer> onSegmentationRefused,
            IntConsumer onTunLost) {
        this.lanes = List.copyOf(lanes);
        this.group = new MultiThreadIoEventLoopGroup(
                lanes.size(), new DefaultThreadFactory("flannel-data"), EpollIoHandler.newFactory());
        for (int number = 0; number < lanes.size(); number++) {
            Lane lane = lanes.get(number);
            int laneNumber = number;
            Worker worker = new Worker(
                    PooledByteBufAllocator.DEFAULT, number, lane.tun(), lane.port(), end, onSegmentationRefused);
            workers.add(worker);
            IoEventLoop loop = group.next();
            loop.execute(() -> setup.prepare(laneNumber));
            Wakeup wakeup = new Wakeup(worker, loop, onTunLost);
            watches.add(wakeup.watch(lane.port().fd()));
            watches.add(wakeup.watch(lane.tun().fd()));
        }
        this.counters =
                TrafficCounters.sumOf(workers.stream().map(Worker::counters).toList());
    }

    /** Replaces the peers. One that stays the same keeps its counters. */
    public void route(Collection<Peer> peers) {
        Map<Object, Peer> known = new HashMap<>();
        for (Peer peer : routes.peers()) {
            known.put(peer.subnet(), peer);
        }
        List<Peer> kept = peers.stream()
                .map(peer -> {
                    Peer old = known.get(peer.subnet());
                    return old != null && old.isSameAs(peer) ? old : peer;
                })
                .toList();
        kept.forEach(peer -> peer.serve(lanes.size()));
        RouteTable table = RouteTable.of(kept);
        routes = table;
        workers.forEach(worker -> worker.route(table));
    }

    /** The peers in force. */
    public List<Peer> peers() {
        return routes.peers();
    }

    /** Of all lanes together. */
    public TrafficCounters counters() {
        return counters;
    }

    @Override
    public void close() {
        watches.forEach(IoRegistration::cancel);
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        workers.forEach(Worker::close);
        lanes.forEach(lane -> {
            lane.tun().close();
            lane.port().close();
        });
    }

    /** Works until the TUN queue is lost for good; then watches nothing any more, or either's readiness would spin the loop. */
    private static final class Wakeup implements Runnable {
        private final Worker worker;
        private final IoEventLoop loop;
        private final IntConsumer onLost;
        private final List<IoRegistration> watches = new CopyOnWriteArrayList<>();
        private boolean lost;

        Wakeup(Worker worker, IoEventLoop loop, IntConsumer onLost) {
            this.worker = worker;
            this.loop = loop;
            this.onLost = onLost;
        }

        IoRegistration watch(int fd) {
            IoRegistration watch = EpollWatch.start(loop, fd, this);
            watches.add(watch);
            return watch;
        }

        @Override
        public void run() {
            if (lost) {
                return;
            }
            int errno = worker.run();
            if (errno != 0) {
                lost = true;
                loop.execute(() -> watches.forEach(IoRegistration::cancel)); // not from within its own event
                onLost.accept(errno);
            }
        }
    }
}

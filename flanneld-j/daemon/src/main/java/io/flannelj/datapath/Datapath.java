package io.flannelj.datapath;

import io.flannelj.device.DontFragment;
import io.flannelj.device.EpollWatch;
import io.flannelj.device.TunQueue;
import io.flannelj.device.UnderlaySocket;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A running data path: queues, each with a worker on an event loop of its own, and the only way to tell them about peers. It
 * owns the TUN queues and UDP sockets it was given.
 *
 * <p>With several queues the kernel spreads flows over TUN queues and sockets, and keeps each flow on its own, so that packets
 * of a flow stay in order.
 *
 * <p>{@link #route} belongs to the control thread; reading counters, peers and packets is anybody's.
 */
public final class Datapath implements AutoCloseable {
    private final MultiThreadIoEventLoopGroup group;
    private final List<Queue> queues;
    private final List<IoEventLoop> loops = new ArrayList<>();
    private final List<Worker> workers = new ArrayList<>();
    private final List<IoRegistration> registrations = new ArrayList<>();
    private final TrafficCounters counters;
    private final List<Watch> watches = new ArrayList<>();
    private volatile RouteTable routes = RouteTable.EMPTY;
    private volatile DontFragment dontFragment = DontFragment.UNSET;

    /** What one worker works between. */
    public record Queue(TunQueue tun, UnderlaySocket socket) {}

    /** How the event loops run, whatever they carry. */
    public interface LoopSetup {
        /** Called once on each loop's own thread before it carries anything. */
        void prepare(int queue);
    }

    /**
     * Starts to carry traffic; to nobody until {@link #route} is called.
     *
     * @param setup told of each loop on its thread
     * @param onSegmentationRefused told, on an event loop, of each peer on whose path the kernel refuses UDP segmentation
     * @param tunnelSegmentation by which super-packets leave uncut, of whatever queue; null where all leave by sockets
     * @param onTunLost told, on an event loop, with the errno, when the TUN device can no longer be read: EBADFD when another process
     *     deleted it; once for each queue
     */
    public Datapath(
            List<Queue> queues,
            TunnelEnd end,
            LoopSetup setup,
            Consumer<Peer> onSegmentationRefused,
            @Nullable TunnelSegmentation tunnelSegmentation,
            IntConsumer onTunLost) {
        this.queues = List.copyOf(queues);
        this.group = new MultiThreadIoEventLoopGroup(
                queues.size(), new DefaultThreadFactory("flannel-data"), EpollIoHandler.newFactory());
        for (int number = 0; number < queues.size(); number++) {
            Queue queue = queues.get(number);
            int queueNumber = number;
            Worker worker = new Worker(
                    PooledByteBufAllocator.DEFAULT,
                    number,
                    queue.tun(),
                    queue.socket(),
                    end,
                    onSegmentationRefused,
                    tunnelSegmentation);
            workers.add(worker);
            IoEventLoop loop = group.next();
            loops.add(loop);
            loop.execute(() -> setup.prepare(queueNumber));
            Wakeup wakeup = new Wakeup(worker, loop, onTunLost);
            registrations.add(wakeup.watch(queue.socket().fd()));
            registrations.add(wakeup.watch(queue.tun().fd()));
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
        kept.forEach(peer -> peer.serve(queues.size()));
        RouteTable table = RouteTable.of(kept);
        routes = table;
        workers.forEach(worker -> worker.route(table));
    }

    /** The peers in force. */
    public List<Peer> peers() {
        return routes.peers();
    }

    /** Whether outer packets may be cut, as it was said last. */
    public DontFragment dontFragment() {
        return dontFragment;
    }

    /** Whether outer packets may be cut, from now on. Harmless when it is closed meanwhile. */
    public void dontFragment(DontFragment outer) {
        dontFragment = outer;
        for (int number = 0; number < queues.size(); number++) {
            UnderlaySocket socket = queues.get(number).socket();
            try {
                loops.get(number).execute(() -> socket.dontFragment(outer));
            } catch (RejectedExecutionException e) {
                return;
            }
        }
    }

    /** Of all queues together. */
    public TrafficCounters counters() {
        return counters;
    }

    /** How many workers there are. */
    public int workers() {
        return workers.size();
    }

    /** The last packets that were dropped, the earliest first; of each reason some of at least the last minute. */
    public List<PacketCopy> drops() {
        return workers.stream()
                .flatMap(worker -> worker.trace().drops().stream())
                .sorted(Comparator.comparingLong(PacketCopy::atNanos))
                .toList();
    }

    /**
     * Copies packets for somebody who watches, until the watch is closed. From any thread.
     *
     * @param bytes of copies that wait for the reader, for each worker; a power of two, at least twice what is kept of a packet
     */
    public Watch watch(WatchFilter filter, int bytes) {
        long now = System.nanoTime();
        Watch watch = new Watch(
                workers.stream()
                        .map(worker -> new WatchRing(filter, worker.trace().underlay(), bytes, now))
                        .toList(),
                this::unwatch);
        synchronized (watches) {
            watches.add(watch);
            publishWatches();
        }
        return watch;
    }

    private void unwatch(Watch watch) {
        synchronized (watches) {
            watches.remove(watch);
            publishWatches();
        }
    }

    private void publishWatches() {
        for (int number = 0; number < workers.size(); number++) {
            int worker = number;
            workers.get(number)
                    .trace()
                    .watches(watches.stream().map(watch -> watch.ring(worker)).toList());
        }
    }

    @Override
    public void close() {
        registrations.forEach(IoRegistration::cancel);
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        workers.forEach(Worker::close);
        queues.forEach(queue -> {
            queue.tun().close();
            queue.socket().close();
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

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
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * A running data path: one worker on its event loop, and the only way to tell it about peers. It owns the TUN queue and
 * the UDP port it was given.
 *
 * <p>{@link #route} belongs to the control thread; reading counters and peers is anybody's.
 */
public final class Datapath implements AutoCloseable {
    private final MultiThreadIoEventLoopGroup group;
    private final TunQueue tun;
    private final UdpPort port;
    private final Worker worker;
    private final IoRegistration tunWatch;
    private final IoRegistration portWatch;
    private volatile RouteTable routes = RouteTable.EMPTY;

    /**
     * Starts to carry traffic; to nobody until {@link #route} is called.
     *
     * @param onSegmentationRefused told, on the event loop, of each peer on whose path the kernel refuses UDP
     *     segmentation
     * @param onTunLost told once, on the event loop, with the errno, when the TUN device can no longer be read, which
     *     means that somebody deleted it
     */
    public Datapath(
            TunQueue tun, UdpPort port, TunnelEnd end, Consumer<Peer> onSegmentationRefused, IntConsumer onTunLost) {
        this.tun = tun;
        this.port = port;
        this.worker = new Worker(PooledByteBufAllocator.DEFAULT, tun, port, end, onSegmentationRefused);
        this.group = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("flannel-data"), EpollIoHandler.newFactory());
        IoEventLoop loop = group.next();
        Wakeup wakeup = new Wakeup(onTunLost);
        this.portWatch = EpollWatch.start(loop, port.fd(), wakeup);
        this.tunWatch = EpollWatch.start(loop, tun.fd(), wakeup);
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
        RouteTable table = RouteTable.of(kept);
        routes = table;
        worker.route(table);
    }

    /** The peers in force. */
    public List<Peer> peers() {
        return routes.peers();
    }

    public Counters counters() {
        return worker.counters();
    }

    @Override
    public void close() {
        tunWatch.cancel();
        portWatch.cancel();
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        worker.close();
        tun.close();
        port.close();
    }

    /** Works until the TUN queue is lost for good; then stops to ask for it, or the loop would spin. */
    private final class Wakeup implements Runnable {
        private final IntConsumer onLost;
        private boolean lost;

        Wakeup(IntConsumer onLost) {
            this.onLost = onLost;
        }

        @Override
        public void run() {
            if (lost) {
                return;
            }
            int errno = worker.run();
            if (errno != 0) {
                lost = true;
                group.next().execute(() -> tunWatch.cancel()); // not from within its own event
                onLost.accept(errno);
            }
        }
    }
}

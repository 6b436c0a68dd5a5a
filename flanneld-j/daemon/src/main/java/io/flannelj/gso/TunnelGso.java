package io.flannelj.gso;

import io.flannelj.datapath.Datapath;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.TunnelSegmentation;
import io.flannelj.device.TapDevice;
import io.flannelj.linux.Errno;
import io.flannelj.net.IpAddress;
import io.flannelj.netlink.HostWatch;
import io.flannelj.netlink.HostWatch.Topic;
import io.flannelj.netlink.IpsecPolicies;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tunnel segmentation for one tunnel: the TAP device that super-packets leave by, and a thread that keeps it and the next hops
 * of peers as the kernel has them. It learns of changes within milliseconds by netlink, and looks every ten seconds in any case;
 * of IPsec policies, which nobody reports, every second. Whatever does not work takes the next hops from peers; then their
 * packets go by the socket.
 */
public final class TunnelGso implements AutoCloseable {
    /** Name of the device; {@code %d} is the next free number. */
    public static final String DEVICE = "flannel-gso%d";

    private static final Logger log = LoggerFactory.getLogger(TunnelGso.class);
    private static final Set<Topic> TOPICS =
            Set.of(Topic.LINKS, Topic.ADDRESSES, Topic.ROUTES, Topic.NEIGHBORS, Topic.TRAFFIC_CONTROL);
    private static final long PERIOD_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long POLICY_PERIOD_MILLIS = 1_000;
    private static final long LEAST_PAUSE_MILLIS = 20;
    private static final int PAUSES_PER_LOOK = 20; // so that looking takes a twentieth of a processor at most

    private final NetlinkSocket netlink;
    private final IpsecPolicies policies;
    private final TapDevice tap;
    private final int uplinkIndex;
    private final NextHops hops;
    private final TunnelSegmentation way;
    private final Thread thread;
    private final Object lock = new Object();
    private @Nullable HostWatch watch;
    private @Nullable Datapath datapath;
    private boolean changed;
    private boolean routesChanged;
    private boolean closed;
    private int knownPolicies;
    private volatile String problem = "";

    private TunnelGso(
            NetlinkSocket netlink, IpsecPolicies policies, TapDevice tap, int uplinkIndex, IpAddress local, int port) {
        this.netlink = netlink;
        this.policies = policies;
        this.tap = tap;
        this.uplinkIndex = uplinkIndex;
        this.hops = new NextHops(netlink, uplinkIndex, local, port);
        this.way = new TunnelSegmentation(tap, local, port, TunnelGso::tellRefusal);
        this.thread = new Thread(this::run, "flannel-next-hops");
        thread.setDaemon(true);
    }

    /**
     * Tries whether this kernel has it, and makes the device.
     *
     * @param tunPath usually {@code /dev/net/tun}
     * @param uplinkIndex of the link that tunnel packets leave by
     * @param local outer source address
     * @param port outer source port
     * @throws IOException says what is missing; nothing is left behind
     */
    public static TunnelGso open(String tunPath, int uplinkIndex, IpAddress local, int port) throws IOException {
        NetlinkSocket netlink = NetlinkSocket.open();
        IpsecPolicies policies = null;
        TapDevice tap = null;
        try {
            policies = IpsecPolicies.open();
            Link uplink = new Links(netlink)
                    .find(uplinkIndex)
                    .orElseThrow(() -> new IOException("the uplink, link " + uplinkIndex + ", is gone"));
            if (uplink.mac() == null) {
                throw new IOException("the uplink " + uplink.name() + " is no Ethernet link");
            }
            tap = TapDevice.open(netlink, tunPath, DEVICE);
            tap.configure(netlink, uplinkIndex);
            TunnelGso gso = new TunnelGso(netlink, policies, tap, uplinkIndex, local, port);
            gso.watch = HostWatch.start(TOPICS, "flannel-hop-watch", gso::hear);
            gso.thread.start();
            return gso;
        } catch (IOException | RuntimeException e) {
            if (tap != null) {
                tap.close();
            }
            if (policies != null) {
                policies.close();
            }
            netlink.close();
            throw e;
        }
    }

    private static void tellRefusal(Peer peer, int errno) {
        log.warn(
                "the kernel refuses uncut packets for {}: {}; cutting them before they are sent, and trying again each minute",
                peer.underlayAddress(),
                Errno.text(errno));
    }

    /** For the data path. */
    public TunnelSegmentation way() {
        return way;
    }

    /** Why nothing leaves uncut at the moment; empty when it does. Any thread. */
    public String problem() {
        return problem;
    }

    public String deviceName() {
        return tap.name();
    }

    /** The data path's peers are others now. From any thread. */
    public void follow(Datapath now) {
        synchronized (lock) {
            datapath = now;
            changed = true;
            lock.notifyAll();
        }
    }

    private void hear(HostWatch.Change change) {
        boolean concerns = switch (change.kind()) {
            case LINK, LINK_DELETED -> change.linkIndex() == uplinkIndex || change.linkIndex() == tap.index();
            case NEIGHBOR -> change.linkIndex() == uplinkIndex;
            case TRAFFIC_CONTROL -> change.linkIndex() == tap.index();
            case ADDRESS, ROUTE, DEFAULT_ROUTE, OVERRUN -> true;
        };
        if (concerns) {
            synchronized (lock) {
                changed = true;
                routesChanged |=
                        change.kind() != HostWatch.Kind.NEIGHBOR && change.kind() != HostWatch.Kind.TRAFFIC_CONTROL;
                lock.notifyAll();
            }
        }
    }

    private void run() {
        long regularAt = System.nanoTime();
        try {
            while (true) {
                Datapath now;
                boolean isRegular;
                boolean isDue;
                synchronized (lock) {
                    if (!changed && !closed) {
                        lock.wait(POLICY_PERIOD_MILLIS);
                    }
                    if (closed) {
                        return;
                    }
                    isRegular = System.nanoTime() - regularAt >= 0;
                    isDue = changed || isRegular;
                    if (isRegular || routesChanged) {
                        hops.forgetRoutes();
                    }
                    changed = false;
                    routesChanged = false;
                    now = datapath;
                }
                long began = System.nanoTime();
                if (now != null && (isDue || havePoliciesChanged())) {
                    look(now, isRegular);
                }
                if (isRegular) {
                    regularAt = began + PERIOD_NANOS;
                }
                long tookMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
                Thread.sleep(Math.max(LEAST_PAUSE_MILLIS, tookMillis * PAUSES_PER_LOOK));
            }
        } catch (InterruptedException e) {
            return; // nobody does, but at the end of the process
        }
    }

    private boolean havePoliciesChanged() {
        try {
            return policies.countOutbound() != knownPolicies;
        } catch (IOException e) {
            return true; // the look says why
        }
    }

    private void look(Datapath now, boolean isRegular) {
        List<Peer> peers = now.peers().stream()
                .filter(peer -> peer.port() != 0) // from the others packets are only taken
                .toList();
        try {
            knownPolicies = policies.countOutbound();
            if (knownPolicies > 0) {
                throw new IOException("this host has IPsec policies, which would not see them");
            }
            if (tap.configure(netlink, uplinkIndex)) {
                log.warn("the device {} was deleted; it was made again", tap.name());
            }
            KernelView view = hops.update(peers, now.dontFragment());
            if (isRegular) {
                hops.keepInUse(view, peers);
            }
            report("");
        } catch (IOException | RuntimeException e) {
            peers.forEach(peer -> peer.leadTo(null));
            report(String.valueOf(e.getMessage()));
        }
    }

    private void report(String found) {
        if (!found.isEmpty() && !found.equals(problem)) {
            log.warn("large packets are cut before they are sent, not by {}: {}", tap.name(), found);
        } else if (found.isEmpty() && !problem.isEmpty()) {
            log.info("large packets leave uncut by {} again", tap.name());
        }
        problem = found;
    }

    /** After the data path has been closed, which writes to the device. */
    @Override
    public void close() {
        if (watch != null) {
            watch.close();
        }
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
        try {
            thread.join(5_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        tap.close();
        policies.close();
        netlink.close();
    }
}

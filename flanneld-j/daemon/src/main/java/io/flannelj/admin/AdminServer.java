package io.flannelj.admin;

import io.flannelj.admin.HttpListener.Sharing;
import io.flannelj.admin.Routes.Pages;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The daemon's HTTP servers: health, metrics and status page on TCP, metrics alone at an address of their own, and all of it on
 * the control socket for root. Each has its own event loop, memory and limits.
 */
public final class AdminServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(AdminServer.class);
    private static final byte[] LOOPBACK = {127, 0, 0, 1};

    private final DaemonView daemon;
    private final HttpLimits limits;
    private final HttpCounters counters;
    private final History history = new History(System::nanoTime);
    private final List<HttpListener> listeners = new ArrayList<>();
    private @Nullable HttpListener control;
    private @Nullable Path controlSocket;

    public AdminServer(DaemonView daemon, HttpCounters counters) {
        this(daemon, counters, HttpLimits.USUAL);
    }

    AdminServer(DaemonView daemon, HttpCounters counters, HttpLimits limits) {
        this.daemon = daemon;
        this.counters = counters;
        this.limits = limits;
    }

    /**
     * Listens on TCP, and answers everything. Where strangers reach that, 127.0.0.1 has a socket of its own beside it: those who
     * fill the queue of connections there keep nobody waiting here.
     *
     * @return the address in force
     * @throws IOException when the port is taken; names it
     */
    public InetSocketAddress listen(InetSocketAddress address) throws IOException {
        return listen(address, "flannel-http", "the HTTP server", Pages.ALL);
    }

    /** The same for {@code /metrics} alone. */
    public InetSocketAddress listenForMetrics(InetSocketAddress address) throws IOException {
        return listen(address, "flannel-metrics", "the metrics server", Pages.METRICS);
    }

    private InetSocketAddress listen(InetSocketAddress address, String thread, String what, Pages pages)
            throws IOException {
        if (address.getAddress().isLoopbackAddress() || address.getPort() == 0) {
            return listen(address, Sharing.NONE, thread, what, pages);
        }
        boolean isWildcard = address.getAddress().isAnyLocalAddress();
        Sharing sharing = isWildcard ? Sharing.OF_THIS_PROCESS : Sharing.NONE;
        InetSocketAddress inForce = listen(address, sharing, thread, what, pages);
        InetSocketAddress loopback = new InetSocketAddress(InetAddress.getByAddress(LOOPBACK), address.getPort());
        try {
            listen(loopback, isWildcard ? Sharing.WITH_OURS : Sharing.NONE, thread, what, pages);
        } catch (IOException e) {
            log.warn(
                    "{}; probes by 127.0.0.1 {}",
                    e.getMessage(),
                    isWildcard ? "wait with everybody else's" : "are answered by whoever has that port");
        }
        return inForce;
    }

    private InetSocketAddress listen(
            InetSocketAddress address, Sharing sharing, String thread, String what, Pages pages) throws IOException {
        String where = what + " at " + address.getAddress().getHostAddress() + ":" + address.getPort();
        HttpListener listener = HttpListener.open(
                address, sharing, thread, where, limits, new Routes(daemon, history, pages), counters);
        if (listeners.isEmpty() && control == null) {
            sampleBy(listener);
        }
        listeners.add(listener);
        return (InetSocketAddress) listener.address();
    }

    /**
     * Listens on the control socket, mode 0600. What a killed daemon left is replaced; a living one is not.
     *
     * @throws IOException when another daemon answers there, or the directory cannot be written
     */
    public void listen(Path socket) throws IOException {
        if (isAnswering(socket)) {
            throw new IOException(
                    "another flanneld-j answers at " + socket + "; stop it, or tell the two apart by --instance");
        }
        Files.deleteIfExists(socket); // nobody listens: a killed daemon left it
        Files.createDirectories(socket.toAbsolutePath().getParent());
        control = HttpListener.open(
                new DomainSocketAddress(socket.toString()),
                Sharing.NONE,
                "flannel-control-socket",
                "--control-socket " + socket,
                HttpLimits.OF_ROOT,
                new Routes(daemon, history, Pages.CONTROL),
                counters);
        controlSocket = socket;
        if (listeners.isEmpty()) {
            sampleBy(control);
        }
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
    }

    private void sampleBy(HttpListener listener) {
        listener.repeat(Duration.ofSeconds(History.STEP_SECONDS), () -> history.sample(daemon));
    }

    /** Whether a daemon listens on that control socket. */
    public static boolean isAnswering(Path socket) {
        if (!Files.exists(socket)) {
            return false;
        }
        try (SocketChannel other = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return other.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        listeners.forEach(HttpListener::close);
        // A successor listens as soon as the control socket is gone: that goes last, and its file before it.
        if (controlSocket != null) {
            controlSocket.toFile().delete(); // where it stays, the next start replaces it
        }
        if (control != null) {
            control.close();
        }
    }
}

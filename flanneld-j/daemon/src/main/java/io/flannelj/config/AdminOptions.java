package io.flannelj.config;

import io.flannelj.net.IpAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the daemon can be asked.
 *
 * @param healthz {@code --healthz-ip}, {@code --healthz-port}: the HTTP server
 * @param metrics {@code --metrics-ip}, {@code --metrics-port}: where {@code /metrics} is served, too, and nothing else
 * @param controlSocket {@code --control-socket}: where operator commands and the CNI plugin reach the daemon
 * @param queryPort {@code --explain-port}: TCP port on the tunnel at which other nodes' {@code explain} is answered; 0 for none
 * @param metricsPeers {@code --metrics-peers}: up to how many other nodes each has metrics of its own; 0 for none
 */
public record AdminOptions(
        HttpAddress healthz, HttpAddress metrics, Path controlSocket, int queryPort, int metricsPeers) {
    /** Unless somebody chooses another. */
    public static final int USUAL_QUERY_PORT = 8470;

    /** Unless somebody chooses another: in a cluster of 32 nodes, 10,000 series for all of them. */
    public static final int USUAL_METRICS_PEERS = 32;

    /** Bytes of {@code sun_path} in a Unix socket address, less the closing zero and the CNI socket's suffix. */
    private static final int MAX_SOCKET_PATH = 104;

    private static final IpAddress LOOPBACK = IpAddress.parse("127.0.0.1");

    /**
     * Where an HTTP server listens.
     *
     * @param port 0 for no server
     */
    public record HttpAddress(IpAddress ip, int port) {
        /**
         * Checks what was given and notes every problem.
         *
         * @param flags what the two flags begin with, e.g. {@code --healthz}
         */
        public static HttpAddress of(String flags, String ip, int port, Problems problems) {
            @Nullable IpAddress address = problems.address(flags + "-ip", ip);
            problems.unless(port >= 0 && port <= 65_535, flags + "-port", "must be 0 to 65535, was " + port);
            return new HttpAddress(address == null ? LOOPBACK : address, port);
        }
    }

    /** Checks what was given and notes every problem. */
    public static AdminOptions of(
            HttpAddress healthz,
            HttpAddress metrics,
            Path controlSocket,
            int queryPort,
            int metricsPeers,
            Problems problems) {
        problems.unless(
                queryPort >= 0 && queryPort <= 65_535, "--explain-port", "must be 0 to 65535, was " + queryPort);
        problems.unless(
                metrics.port() == 0 || metrics.port() != healthz.port(),
                "--metrics-port",
                "must differ from --healthz-port, which serves /metrics already");
        problems.unless(
                controlSocket.toString().length() < MAX_SOCKET_PATH,
                "--control-socket",
                "is too long for a Unix socket: " + controlSocket);
        problems.unless(metricsPeers >= 0, "--metrics-peers", "must be 0 or more, was " + metricsPeers);
        return new AdminOptions(healthz, metrics, controlSocket, queryPort, metricsPeers);
    }
}

package io.flannelj.config;

import io.flannelj.net.IpAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the daemon can be asked.
 *
 * @param healthzIp {@code --healthz-ip}: address of the HTTP server
 * @param healthzPort {@code --healthz-port}: its port; 0 for no server
 * @param controlSocket {@code --control-socket}: where operator commands and the CNI plugin reach the daemon
 */
public record AdminOptions(IpAddress healthzIp, int healthzPort, Path controlSocket) {
    /** Bytes of {@code sun_path} in a Unix socket address, less the closing zero and the CNI socket's suffix. */
    private static final int MAX_SOCKET_PATH = 104;

    /** Checks what was given and notes every problem. */
    public static AdminOptions of(String healthzIp, int healthzPort, Path controlSocket, Problems problems) {
        @Nullable IpAddress address = problems.address("--healthz-ip", healthzIp);
        problems.unless(
                healthzPort >= 0 && healthzPort <= 65_535, "--healthz-port", "must be 0 to 65535, was " + healthzPort);
        problems.unless(
                controlSocket.toString().length() < MAX_SOCKET_PATH,
                "--control-socket",
                "is too long for a Unix socket: " + controlSocket);
        return new AdminOptions(address == null ? IpAddress.ANY_V4 : address, healthzPort, controlSocket);
    }
}

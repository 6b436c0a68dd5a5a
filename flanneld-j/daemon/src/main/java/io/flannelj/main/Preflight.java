package io.flannelj.main;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What must be so before anything is touched. */
final class Preflight {
    private static final int CAP_NET_ADMIN = 12;

    private Preflight() {}

    /**
     * That this process may change the network.
     *
     * @throws IOException saying what is missing
     */
    static void requireNetAdmin() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("CapEff:")) {
                long effective = Long.parseUnsignedLong(line.substring(7).strip(), 16);
                if ((effective >>> CAP_NET_ADMIN & 1) == 0) {
                    throw new IOException("flanneld-j needs CAP_NET_ADMIN: run it as root, or in a container with"
                            + " --cap-add NET_ADMIN --device /dev/net/tun");
                }
            }
        }
    }

    /** That bridged pod traffic passes iptables, as flannel demands. */
    static void requireBridgeNetfilter() throws IOException {
        if (!Files.exists(Path.of("/proc/sys/net/bridge/bridge-nf-call-iptables"))) {
            throw new IOException("/proc/sys/net/bridge/bridge-nf-call-iptables is missing: load the driver by"
                    + " `modprobe br_netfilter`, or set \"EnableNFTables\": true in the network config");
        }
    }
}

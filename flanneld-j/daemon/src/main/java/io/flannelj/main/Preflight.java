package io.flannelj.main;

import io.flannelj.linux.Privileges;
import io.flannelj.linux.Privileges.Capability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What must be so before anything is touched. */
final class Preflight {
    private static final int CAP_NET_ADMIN = 12;

    private static final Logger log = LoggerFactory.getLogger(Preflight.class);

    /**
     * Interfaces, routes and rules; raw sockets of ipip; the namespaces of pods; a port below 1024; files of other users, as keys may
     * be.
     */
    private static final Set<Capability> USED = EnumSet.of(
            Capability.NET_ADMIN,
            Capability.NET_RAW,
            Capability.SYS_ADMIN,
            Capability.NET_BIND_SERVICE,
            Capability.DAC_OVERRIDE);

    private Preflight() {}

    /** Keeps what we write to ourselves, and of our capabilities those that we use. */
    static void giveUpPrivileges() {
        Privileges.keepFilesPrivate();
        if (!Privileges.keepOnly(USED)) {
            log.debug("capabilities cannot be given up here; who started us has done so, or wants none given up");
        }
    }

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

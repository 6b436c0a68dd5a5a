package io.flannelj.probe.loop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Whether this node has received ICMPv6 errors that say that a packet was too big (RFC 4443 §3.2), by the kernel's count of them
 * (/proc/net/snmp6). Who sent them, and about which path, is not known.
 *
 * <p>Owned by one thread.
 */
final class PacketTooBigs {
    private static final Path COUNTS = Path.of("/proc/net/snmp6"); // not there where the kernel has no IPv6
    private static final String COUNT = "Icmp6InPktTooBigs";

    private long before = count();

    /** Whether any have come since the last call. */
    boolean haveCome() {
        long now = count();
        boolean come = now != before;
        before = now;
        return come;
    }

    private static long count() {
        try {
            for (String line : Files.readAllLines(COUNTS)) {
                if (line.startsWith(COUNT)) {
                    return Long.parseLong(line.substring(COUNT.length()).strip());
                }
            }
        } catch (IOException | NumberFormatException e) {
            return 0; // nobody says so
        }
        return 0;
    }
}

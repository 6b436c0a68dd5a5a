package io.flannelj.config;

import io.flannelj.net.UdpFeature;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How this node carries packets, whatever the encapsulation.
 *
 * @param vxlan {@code --vxlan-datapath}; null leaves it to the network config
 * @param clampMss {@code --clamp-mss}: whether the segment size of new TCP connections is limited to what a path takes
 * @param peerProbes {@code --peer-probes}: whether the paths to other nodes are tested all the time
 */
public record DatapathOptions(
        TunnelSettings tunnels, @Nullable Datapath vxlan, boolean clampMss, boolean peerProbes) {
    private static final int MAX_WORKERS = 64;

    /**
     * Checks what was given and notes every problem.
     *
     * @param vxlan empty when not given
     * @param workers 0 for as many as this machine's processors suggest
     */
    public static DatapathOptions of(
            String tunDevice,
            int busyPollMicros,
            String vxlan,
            int workers,
            boolean pinWorkers,
            boolean thinAcks,
            Set<UdpFeature> udpFeatures,
            boolean tunnelSegmentation,
            boolean clampMss,
            boolean peerProbes,
            Problems problems) {
        problems.unless(
                busyPollMicros >= 0 && busyPollMicros <= 1000,
                "--busy-poll-us",
                "must be 0 to 1000, was " + busyPollMicros);
        Datapath datapath = Datapath.read(vxlan).orElse(null);
        problems.unless(
                vxlan.isEmpty() || datapath != null,
                "--vxlan-datapath",
                "must be userspace, kernel or auto, was \"" + vxlan + "\"");
        problems.unless(
                workers >= 0 && workers <= MAX_WORKERS,
                "--workers",
                "must be 0 (by the number of processors) to " + MAX_WORKERS + ", was " + workers);
        TunnelSettings tunnels = new TunnelSettings(
                tunDevice,
                Duration.ofNanos(busyPollMicros * 1000L),
                workers > 0 ? workers : workersFor(Runtime.getRuntime().availableProcessors()),
                pinWorkers,
                thinAcks,
                udpFeatures,
                tunnelSegmentation);
        return new DatapathOptions(tunnels, datapath, clampMss, peerProbes);
    }

    /** Below four processors, a second worker would take from pods what it gives: measured, docs/performance.md. */
    static int workersFor(int processors) {
        return processors < 4 ? 1 : Math.min(processors / 2, 4);
    }
}

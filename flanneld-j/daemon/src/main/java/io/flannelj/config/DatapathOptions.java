package io.flannelj.config;

import io.flannelj.net.UdpFeature;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How this node carries packets, whatever the encapsulation.
 *
 * @param tunDevice {@code --tun-device}, usually {@code /dev/net/tun}
 * @param busyPoll {@code --busy-poll-us}: how long an idle worker goes on asking for packets before it sleeps
 * @param vxlan {@code --vxlan-datapath}; null leaves it to the network config
 * @param workers {@code --workers}: threads, 1 or more
 * @param pinWorkers {@code --pin-workers}: whether each of them keeps to one processor
 * @param thinAcks {@code --thin-acks}: whether needless TCP acknowledgements are left out
 * @param udpFeatures {@code --udp-segmentation}, {@code --udp-checksums}: what the kernel or the network card may do to datagrams
 * @param tunnelSegmentation {@code --tunnel-segmentation}: whether super-packets leave uncut where the kernel takes them so
 * @param clampMss {@code --clamp-mss}: whether the segment size of new TCP connections is limited to what a path takes
 * @param peerProbes {@code --peer-probes}: whether the paths to other nodes are tested all the time
 */
public record DatapathOptions(
        String tunDevice,
        Duration busyPoll,
        @Nullable Datapath vxlan,
        int workers,
        boolean pinWorkers,
        boolean thinAcks,
        Set<UdpFeature> udpFeatures,
        boolean tunnelSegmentation,
        boolean clampMss,
        boolean peerProbes) {
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
        return new DatapathOptions(
                tunDevice,
                Duration.ofNanos(busyPollMicros * 1000L),
                datapath,
                workers > 0 ? workers : workersFor(Runtime.getRuntime().availableProcessors()),
                pinWorkers,
                thinAcks,
                udpFeatures,
                tunnelSegmentation,
                clampMss,
                peerProbes);
    }

    /** Below four processors, a second worker would take from pods what it gives: measured, docs/performance.md. */
    static int workersFor(int processors) {
        return processors < 4 ? 1 : Math.min(processors / 2, 4);
    }
}

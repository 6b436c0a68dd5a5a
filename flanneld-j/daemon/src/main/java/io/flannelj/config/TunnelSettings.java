package io.flannelj.config;

import io.flannelj.net.UdpFeature;
import java.time.Duration;
import java.util.Set;

/**
 * How this node runs tunnels of any kind.
 *
 * @param tunPath {@code --tun-device}, usually {@code /dev/net/tun}
 * @param busyPoll {@code --busy-poll-us}: how long an idle worker goes on asking for packets before it sleeps
 * @param workers {@code --workers}: threads, 1 or more, each with a TUN queue and a socket of its own
 * @param pinWorkers {@code --pin-workers}: whether each of them keeps to one processor
 * @param thinAcks {@code --thin-acks}: whether needless TCP acknowledgements are left out
 * @param udpFeatures {@code --udp-segmentation}, {@code --udp-checksums}: what the kernel or the network card may do to datagrams
 * @param tunnelSegmentation {@code --tunnel-segmentation}: whether super-packets leave uncut where the kernel takes them so
 */
public record TunnelSettings(
        String tunPath,
        Duration busyPoll,
        int workers,
        boolean pinWorkers,
        boolean thinAcks,
        Set<UdpFeature> udpFeatures,
        boolean tunnelSegmentation) {
    /** All that is not said here is as by default. */
    public TunnelSettings(String tunPath, Duration busyPoll, int workers, boolean pinWorkers, boolean thinAcks) {
        this(tunPath, busyPoll, workers, pinWorkers, thinAcks, UdpFeature.ALL, true);
    }

    /** The same with one worker, for sockets that cannot share what comes in. */
    public TunnelSettings withOneWorker() {
        return new TunnelSettings(tunPath, busyPoll, 1, pinWorkers, thinAcks, udpFeatures, tunnelSegmentation);
    }
}

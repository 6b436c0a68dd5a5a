package io.flannelj.backend;

import java.time.Duration;

/**
 * How this node runs tunnels of any kind.
 *
 * @param tunPath usually {@code /dev/net/tun}
 * @param busyPoll how long an idle worker goes on asking for packets before it sleeps
 * @param workers threads, each with a TUN queue and a socket of its own
 * @param pinWorkers whether each worker keeps to one processor
 * @param thinAcks whether needless TCP acknowledgements are left out
 * @param segments whether the kernel or the network card may segment runs of datagrams
 * @param fillsChecksums whether outer UDP headers get a checksum over IPv4
 * @param tunnelSegmentation whether super-packets leave uncut where the kernel takes them so
 */
public record TunnelSettings(
        String tunPath,
        Duration busyPoll,
        int workers,
        boolean pinWorkers,
        boolean thinAcks,
        boolean segments,
        boolean fillsChecksums,
        boolean tunnelSegmentation) {
    /** All that is not said here is as by default. */
    public TunnelSettings(String tunPath, Duration busyPoll, int workers, boolean pinWorkers, boolean thinAcks) {
        this(tunPath, busyPoll, workers, pinWorkers, thinAcks, true, true, true);
    }

    /** The same with one worker, for sockets that cannot share what comes in. */
    public TunnelSettings withOneWorker() {
        return new TunnelSettings(
                tunPath, busyPoll, 1, pinWorkers, thinAcks, segments, fillsChecksums, tunnelSegmentation);
    }
}

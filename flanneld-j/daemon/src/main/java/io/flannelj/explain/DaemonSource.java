package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.util.List;

/** Where the daemon's facts are from. */
public interface DaemonSource {
    /**
     * Asks.
     *
     * @throws IOException when no daemon answers; says where it was looked for
     */
    DaemonFacts ask() throws IOException;

    /**
     * Lets the daemon probe the paths to another node now, which takes a few seconds at most; none where it does not probe.
     *
     * @param node where that node's tunnel ends
     * @throws IOException when no daemon answers
     */
    List<PathFacts> examine(String node) throws IOException;

    /** The daemon itself. */
    interface Own extends DaemonSource {
        @Override
        DaemonFacts ask();

        @Override
        List<PathFacts> examine(String node);

        /** Watches the packets between two pods from now on for a while, and no others any more. */
        SeenPackets watch(IpAddress one, IpAddress other);

        /**
         * What was seen of them since the last time; those that ended here, and those of a key.
         *
         * @param key of a packet, or empty
         */
        SeenPackets seen(IpAddress one, IpAddress other, String key);
    }
}

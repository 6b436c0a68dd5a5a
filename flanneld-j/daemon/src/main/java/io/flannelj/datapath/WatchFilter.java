package io.flannelj.datapath;

import io.flannelj.net.IpAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which packets somebody wants to see. Empty sets and nulls stand for any.
 *
 * @param points where
 * @param peer underlay address of the other node
 * @param one inner source or destination address
 * @param other the address at the inner packet's other end, together with {@code one}
 * @param protocol number of the inner packet's upper layer; -1 for any
 * @param port TCP or UDP port at either end; 0 for any
 * @param keptBytes of each packet at most, its tunnel's header included
 * @param perSecond packets of each worker; 0 for no limit
 */
public record WatchFilter(
        Set<TracePoint> points,
        @Nullable IpAddress peer,
        @Nullable IpAddress one,
        @Nullable IpAddress other,
        int protocol,
        int port,
        int keptBytes,
        int perSecond) {
    public WatchFilter {
        points = Set.copyOf(points);
    }

    /** Everything, whole. */
    public static final WatchFilter ALL =
            new WatchFilter(Set.of(TracePoint.values()), null, null, null, -1, 0, WatchRing.MOST_KEPT_BYTES, 0);
}

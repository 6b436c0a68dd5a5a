package io.flannelj.observe;

/**
 * Packets that were wanted and are not shown.
 *
 * @param lost for which there was no room
 * @param leftOut above the limit of packets in a second
 */
public record EventCounts(long lost, long leftOut) {
    public static final EventCounts NONE = new EventCounts(0, 0);
}

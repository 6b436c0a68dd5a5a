package io.flannelj.firewall;

/**
 * Packets that the guard dropped since its rules were written last.
 *
 * @param toTunnel sent by a pod to where tunnel packets arrive
 * @param forgedSource with a source address that cannot be where they came from
 */
public record GuardDrops(long toTunnel, long forgedSource) {
    /** None. */
    public static final GuardDrops NONE = new GuardDrops(0, 0);

    /** Both together. */
    public GuardDrops plus(GuardDrops other) {
        return new GuardDrops(toTunnel + other.toTunnel, forgedSource + other.forgedSource);
    }

    /** What has been added since an earlier reading; all of it when the counters began anew meanwhile. */
    public GuardDrops since(GuardDrops earlier) {
        return toTunnel < earlier.toTunnel || forgedSource < earlier.forgedSource
                ? this
                : new GuardDrops(toTunnel - earlier.toTunnel, forgedSource - earlier.forgedSource);
    }
}

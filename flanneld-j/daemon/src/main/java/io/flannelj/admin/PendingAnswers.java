package io.flannelj.admin;

/** Octets of answers that clients have not taken yet. Confined to its listener's event loop. */
final class PendingAnswers {
    private final int limit;
    private int octets;

    PendingAnswers(int limit) {
        this.limit = limit;
    }

    /** Whether so many more may wait; one answer alone always may. */
    boolean add(int more) {
        if (octets > 0 && octets + (long) more > limit) {
            return false;
        }
        octets += more;
        return true;
    }

    void remove(int fewer) {
        octets -= fewer;
    }
}

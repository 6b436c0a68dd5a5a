package io.flannelj.admin;

/** Bytes of answers that clients have not taken yet. Confined to its listener's event loop. */
final class PendingAnswers {
    private final int limit;
    private int bytes;

    PendingAnswers(int limit) {
        this.limit = limit;
    }

    /** Whether so many more may wait; one answer alone always may. */
    boolean add(int more) {
        if (bytes > 0 && bytes + (long) more > limit) {
            return false;
        }
        bytes += more;
        return true;
    }

    void remove(int fewer) {
        bytes -= fewer;
    }
}

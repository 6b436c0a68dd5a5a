package io.flannelj.admin;

/** Packets cannot be shown; the message says why, and what to do. */
public final class RefusedStreamException extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean theirs;

    private RefusedStreamException(String message, boolean theirs) {
        super(message);
        this.theirs = theirs;
    }

    /** What was asked for is not understood. */
    public static RefusedStreamException badRequest(String message) {
        return new RefusedStreamException(message, true);
    }

    /** There is nothing to be shown now. */
    public static RefusedStreamException unavailable(String message) {
        return new RefusedStreamException(message, false);
    }

    boolean isTheirs() {
        return theirs;
    }
}

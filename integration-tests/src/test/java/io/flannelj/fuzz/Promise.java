package io.flannelj.fuzz;

/** What a reader promises, whatever it is given. */
public final class Promise {
    private Promise() {}

    /** Fails unless the promise holds. */
    public static void holds(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** Fails unless both are the same. */
    public static void same(Object first, Object second, String what) {
        if (!first.equals(second)) {
            throw new AssertionError(what + ":\n  " + first + "\n  " + second);
        }
    }
}

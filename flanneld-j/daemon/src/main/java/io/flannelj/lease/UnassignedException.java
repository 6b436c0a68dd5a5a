package io.flannelj.lease;

/** The store answers, but has no subnets for this node yet. The message says what is missing, and the remedy. */
public final class UnassignedException extends StoreException {
    private static final long serialVersionUID = 1;

    public UnassignedException(String message) {
        super(message);
    }
}

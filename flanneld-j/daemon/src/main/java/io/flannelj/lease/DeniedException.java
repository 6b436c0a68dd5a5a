package io.flannelj.lease;

/** The store answers, and denies us what we need: our credentials or their rights are wrong. The message says the remedy. */
public final class DeniedException extends StoreException {
    private static final long serialVersionUID = 1;

    public DeniedException(String message, Throwable cause) {
        super(message, cause);
    }
}

package io.flannelj.cli;

/** What an operator asked for would take something from somebody, or does not fit. The message says what, and the remedy. */
public final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    public RefusedException(String message) {
        super(message);
    }
}

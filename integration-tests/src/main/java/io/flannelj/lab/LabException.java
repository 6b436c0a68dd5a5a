package io.flannelj.lab;

/** The laboratory could not do what it was asked: says which step, and what the machine answered. */
public final class LabException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public LabException(String message) {
        super(message);
    }

    public LabException(String message, Throwable cause) {
        super(message, cause);
    }
}

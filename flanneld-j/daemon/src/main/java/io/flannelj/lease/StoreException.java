package io.flannelj.lease;

import java.io.IOException;

/** The store did not answer, or said no. The message names the store and what it was asked for. */
public class StoreException extends IOException {
    private static final long serialVersionUID = 1;

    public StoreException(String message) {
        super(message);
    }

    public StoreException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The message, human-readable. */
    public String problem() {
        return String.valueOf(getMessage());
    }
}

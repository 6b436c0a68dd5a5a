package io.flannelj.cni.engine;

/** A call that failed, with the specification's error code (CNI 1.1, section "Error"). */
final class CniException extends Exception {
    private static final long serialVersionUID = 1;

    static final int INCOMPATIBLE_VERSION = 1;
    static final int UNSUPPORTED_FIELD = 2;
    static final int BAD_ENVIRONMENT = 4;
    static final int IO = 5;
    static final int NOT_JSON = 6;
    static final int BAD_CONFIG = 7;
    static final int BAD_NETNS = 8;
    static final int TRY_AGAIN_LATER = 11;
    static final int NOT_AVAILABLE = 50;

    /** As {@link #NOT_AVAILABLE}, and pods that are there may have lost their way. */
    static final int NOT_AVAILABLE_AND_LIMITED = 51;

    /** Our own: the bridge is not as it must be. */
    static final int BAD_BRIDGE = 100;

    /** Our own: no address is free. */
    static final int OUT_OF_ADDRESSES = 101;

    /** Our own: the container has this interface already. */
    static final int ATTACHED_ALREADY = 102;

    /** Our own: CHECK found something missing or changed. */
    static final int CHECK_FAILED = 103;

    static final int INTERNAL = 999;

    private final int code;

    CniException(int code, String message) {
        super(message);
        this.code = code;
    }

    CniException(int code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    int code() {
        return code;
    }
}

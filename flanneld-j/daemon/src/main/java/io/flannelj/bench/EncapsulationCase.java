package io.flannelj.bench;

/** What goes through the data path in one round. */
public enum EncapsulationCase {
    /** One TCP super-packet from a pod, cut into segments of a full MTU each, wrapped. */
    TCP_OUT("TCP stream to the wire"),
    /** One run of TCP segments that the kernel joined, unwrapped, verified, and handed over as one super-packet. */
    TCP_IN("TCP stream to the pods"),
    /** Datagrams of 64 bytes of payload from a pod, one by one. */
    SMALL_OUT("64-byte UDP to the wire"),
    /** A run of such datagrams that the kernel joined. */
    SMALL_IN("64-byte UDP to the pods");

    private final String title;

    EncapsulationCase(String title) {
        this.title = title;
    }

    public String title() {
        return title;
    }

    boolean isOut() {
        return this == TCP_OUT || this == SMALL_OUT;
    }
}

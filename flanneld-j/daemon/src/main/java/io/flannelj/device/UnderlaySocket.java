package io.flannelj.device;

import io.flannelj.net.IpFamily;

/**
 * A UDP socket as the data path sees it: many datagrams a call, each of which may stand for many equal ones (UDP GSO and
 * GRO). Confined to one event loop; never blocks, never allocates.
 */
public interface UnderlaySocket extends AutoCloseable {
    /** The descriptor that becomes readable when datagrams wait. */
    int fd();

    /** Family of the addresses it sends to and receives from. */
    IpFamily family();

    /**
     * Sends messages {@code from} to {@code from + count - 1}.
     *
     * @return how many were taken, from the first on; or, when not even the first was, its negative errno
     */
    int send(SendVector messages, int from, int count);

    /**
     * Receives into the free slots.
     *
     * @return messages received; 0 when the socket is drained; a negative errno when the kernel refuses
     */
    int receive(ReceiveVector slots);

    /** From now on this holds of what is sent, where the kernel decides that. */
    default void dontFragment(DontFragment outer) {}

    /** From now on what is sent has a UDP checksum or none, where it can do without; with one at first. Without one there are no runs. */
    default void fillChecksums(boolean fills) {}

    @Override
    void close();
}

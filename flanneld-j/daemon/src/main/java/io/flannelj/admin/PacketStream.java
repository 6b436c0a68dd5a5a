package io.flannelj.admin;

/** Packets for one client, in the form that the control socket carries. Used by one thread. */
public interface PacketStream extends AutoCloseable {
    /**
     * What waits; nothing when nothing does.
     *
     * @param mostBytes about so much, and always whole packets
     */
    byte[] next(int mostBytes);

    /** Whether nothing comes any more. */
    boolean isOver();

    @Override
    void close();
}

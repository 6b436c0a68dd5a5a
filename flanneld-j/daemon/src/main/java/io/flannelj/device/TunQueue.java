package io.flannelj.device;

import io.netty.buffer.ByteBuf;

/**
 * One queue of a TUN device: where the node's own IP stack hands us packets and takes them back. Confined to the event
 * loop that registered it. Every packet stands behind a {@link io.flannelj.packet.VirtioNetHeader}.
 */
public interface TunQueue extends AutoCloseable {
    /** The descriptor that becomes readable when packets wait. */
    int fd();

    /**
     * Reads one packet, its virtio header first, into {@code into}, a direct buffer, from {@code offset} on.
     *
     * <p>With offload on, it may be a TCP or UDP super-packet of up to 65 535 bytes.
     *
     * @param room bytes that may be written; a longer packet is cut off by the kernel
     * @return bytes read, header included; 0 when the queue is drained; a negative errno when the kernel refuses
     */
    int read(ByteBuf into, int offset, int room);

    /**
     * Hands one packet to the node's IP stack, its virtio header first.
     *
     * @return 0, or the positive errno with which the kernel refused it
     */
    int write(Iovecs packet);

    @Override
    void close();
}

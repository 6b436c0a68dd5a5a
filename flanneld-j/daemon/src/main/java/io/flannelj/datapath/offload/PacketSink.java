package io.flannelj.datapath.offload;

import io.flannelj.device.Iovecs;

/** Where packets go that are ready for the node's IP stack. */
public interface PacketSink {
    /**
     * Hands over one packet.
     *
     * @param packet its parts, the virtio header first
     * @param packets how many packets it stands for
     */
    void write(Iovecs packet, int packets);
}

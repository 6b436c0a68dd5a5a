package io.flannelj.backend.udp;

import io.flannelj.datapath.DropReason;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * flannel's udp wire format: the IP packet is the UDP payload, with no header of its own. Each end of the tunnel is a
 * hop, as in flannel.
 */
public final class BareIpEncapsulator implements Encapsulator {
    private static final int MIN_IP_BYTES = 20;

    @Override
    public int headerBytes() {
        return 0;
    }

    @Override
    public boolean isHop() {
        return true;
    }

    @Override
    public void wrap(ByteBuf packet, int offset, Peer peer) {
        // nothing stands between UDP and IP
    }

    @Override
    public @Nullable DropReason check(ByteBuf datagram, int offset, int length) {
        return length < MIN_IP_BYTES ? DropReason.BAD_ENCAPSULATION : null;
    }
}

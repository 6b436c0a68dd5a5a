package io.flannelj.datapath;

import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.List;

/** A node with a VXLAN tunnel to one peer: a worker between a TUN device and a socket in memory. */
final class MemoryNode implements AutoCloseable {
    static final int POD = IpAddress.parse("10.5.1.2").ipv4Bits();
    static final int PEER_POD = IpAddress.parse("10.5.2.3").ipv4Bits();
    static final IpAddress PEER_NODE = IpAddress.parse("192.168.0.2");

    /** In front of what arrives for us. */
    static final byte[] OUR_HEADER = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};

    final MemoryTun tun = new MemoryTun();
    final MemoryUnderlaySocket socket = new MemoryUnderlaySocket();
    final Worker worker = new Worker(
            UnpooledByteBufAllocator.DEFAULT,
            0,
            tun,
            socket,
            new TunnelEnd(
                    new VxlanEncapsulator(1, MacAddress.parse("02:00:00:00:00:01")),
                    Cidr.parse("10.5.1.0/24"),
                    IpAddress.parse("10.5.1.0"),
                    1450,
                    TunFeatures.ALL,
                    Duration.ZERO,
                    true),
            peer -> {});

    MemoryNode() {
        worker.route(RouteTable.of(List.of(new Peer(Cidr.parse("10.5.2.0/24"), PEER_NODE, 8472, 0x0200_0000_0002L))));
    }

    @Override
    public void close() {
        worker.close();
    }
}

package io.flannelj.fuzz;

import io.flannelj.backend.geneve.GeneveEncapsulator;
import io.flannelj.backend.ipip.IpipEncapsulator;
import io.flannelj.backend.udp.BareIpEncapsulator;
import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.datapath.Encapsulator;
import io.flannelj.datapath.Peer;
import io.flannelj.datapath.RouteTable;
import io.flannelj.datapath.TunnelEnd;
import io.flannelj.datapath.Worker;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.IpFamily;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.IpHeader;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * One encapsulation's real worker between a TUN queue and a UDP socket in memory, with two peers. Its buffers are not pooled, so
 * that each access outside one fails (io.netty.buffer.checkBounds).
 */
final class TunnelFixture implements AutoCloseable {
    /** What is tried, in the order that the first byte of an input counts. */
    enum Kind {
        VXLAN(IpFamily.IPV4, IpFamily.IPV4),
        UDP(IpFamily.IPV4, IpFamily.IPV4),
        GENEVE(IpFamily.IPV4, IpFamily.IPV4),
        IPIP(IpFamily.IPV4, IpFamily.IPV4),
        VXLAN_IPV6(IpFamily.IPV6, IpFamily.IPV4),
        VXLAN_IPV6_OVER_IPV6(IpFamily.IPV6, IpFamily.IPV6),
        VXLAN_OVER_IPV6(IpFamily.IPV4, IpFamily.IPV6),
        VXLAN_GROUP_POLICY(IpFamily.IPV4, IpFamily.IPV4);

        private final IpFamily family;
        private final IpFamily underlay;

        Kind(IpFamily family, IpFamily underlay) {
            this.family = family;
            this.underlay = underlay;
        }

        Encapsulator end(MacAddress mac, IpAddress local) {
            return switch (this) {
                case UDP -> new BareIpEncapsulator();
                case GENEVE -> new GeneveEncapsulator(VNI, mac);
                case IPIP -> new IpipEncapsulator(local);
                default -> new VxlanEncapsulator(VNI, mac, family, this == VXLAN_GROUP_POLICY);
            };
        }
    }

    static final int MTU_BYTES = 1450;
    private static final int VNI = 1;
    private static final int PORT = 8472;
    private static final MacAddress OUR_MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress PEER_MAC = MacAddress.parse("02:00:00:00:00:02");

    final Kind kind;
    final IpHeader ip;
    final Cidr subnet;
    final MemoryTun tun = new MemoryTun();
    final MemoryUnderlaySocket socket;
    final StaleMemory stale;

    /** How the far end reads what we send. */
    final Encapsulator farEnd;

    final List<Peer> peers;
    private final List<IpAddress> senders;
    private final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(true);
    private final long memoryBytes;
    final Worker worker;

    TunnelFixture(Kind kind) {
        this.kind = kind;
        boolean ipv6 = kind.family == IpFamily.IPV6;
        boolean underlayIpv6 = kind.underlay == IpFamily.IPV6;
        this.ip = IpHeader.of(kind.family);
        this.subnet = Cidr.parse(ipv6 ? "fd00:5:1::/64" : "10.5.1.0/24");
        this.socket = new MemoryUnderlaySocket(kind.underlay);
        this.stale = new StaleMemory(tun, socket);
        IpAddress local = IpAddress.parse(underlayIpv6 ? "fd00::1" : "192.168.0.1");
        IpAddress near = IpAddress.parse(underlayIpv6 ? "fd00::2" : "192.168.0.2");
        IpAddress far = IpAddress.parse(underlayIpv6 ? "fd00::3" : "192.168.0.3");
        this.senders = List.of(near, far, IpAddress.parse(underlayIpv6 ? "fd00::9" : "192.168.0.9"));
        this.farEnd = kind.end(PEER_MAC, near);
        this.peers = List.of(
                new Peer(Cidr.parse(ipv6 ? "fd00:5:2::/64" : "10.5.2.0/24"), near, PORT, PEER_MAC.bits()),
                new Peer(Cidr.parse(ipv6 ? "fd00:5:3::/64" : "10.5.3.0/24"), far, PORT, PEER_MAC.bits()));
        TunnelEnd end = new TunnelEnd(
                kind.end(OUR_MAC, local), subnet, subnet.address(), MTU_BYTES, TunFeatures.ALL, Duration.ZERO, true);
        this.worker = new Worker(memory, 0, stale.tun(), stale.socket(), end, refused -> {});
        worker.route(RouteTable.of(peers));
        this.memoryBytes = memory.metric().usedDirectMemory();
    }

    /** The first two are peers; whoever else is a stranger. */
    IpAddress sender(int number) {
        return senders.get(Math.min(number, senders.size() - 1));
    }

    /** Read without the codec that is under test. */
    IpAddress destination(byte[] packet, int offset) {
        int end = offset + ip.minBytes();
        return IpAddress.ofBytes(
                Arrays.copyOfRange(packet, end - subnet.family().bits() / 8, end));
    }

    /** Nothing is allocated, and nothing released, by carrying packets. */
    void checkMemory() {
        Promise.same(memoryBytes, memory.metric().usedDirectMemory(), "memory in use, in bytes");
    }

    /** Everything that was allocated is released. */
    @Override
    public void close() {
        worker.close();
        Promise.same(0L, memory.metric().usedDirectMemory(), "memory in use after the end, in bytes");
    }
}

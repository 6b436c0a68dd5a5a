package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.InternetChecksum;
import io.flannelj.packet.Ipv4Header;
import io.flannelj.packet.PcapFile;
import io.flannelj.packet.TcpHeader;
import io.flannelj.packet.VirtioNetHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a kernel VXLAN node sent, captured by {@code tcpdump} on Linux 6.18: three pings, a TCP connection with 30,000 bytes,
 * five UDP datagrams. Once over a wire (checksums off on the veth), once over a veth pair as it is, where transport checksums
 * are partial and TCP comes in packets longer than the MTU.
 */
class KernelPeerTest {
    private static final IpAddress PEER_NODE = IpAddress.parse("192.168.100.1");
    private static final int MTU = 1450;
    private static final int STREAM_BYTES = 30_000;

    private final MemoryTun tun = new MemoryTun();
    private final MemoryUnderlaySocket socket = new MemoryUnderlaySocket();
    private final Worker worker = worker();

    private Worker worker() {
        TunnelEnd end = new TunnelEnd(
                new VxlanEncapsulator(1, MacAddress.parse("02:00:00:00:00:02")),
                Cidr.parse("10.5.2.0/24"),
                IpAddress.parse("10.5.2.0"),
                MTU,
                TunFeatures.ALL,
                Duration.ZERO,
                true);
        Worker made = new Worker(UnpooledByteBufAllocator.DEFAULT, 0, tun, socket, end, refused -> {});
        made.route(RouteTable.of(List.of(new Peer(Cidr.parse("10.5.1.0/24"), PEER_NODE, 8472, 0x0200_0000_0001L))));
        return made;
    }

    @AfterEach
    void release() {
        worker.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"kernel-vxlan-wire.pcap", "kernel-vxlan-veth.pcap"})
    void everyFrameOfAKernelNodeIsDelivered(String capture) {
        List<byte[]> datagrams = PcapFile.udpPayloads(capture);

        datagrams.forEach(datagram -> socket.arrive(PEER_NODE, datagram, datagram.length));
        worker.run();

        Counters counters = worker.counters();
        assertThat(counters.get(Counter.IN_PACKETS)).isEqualTo(datagrams.size());
        assertThat(counters.get(Counter.IN_DELIVERED)).isEqualTo(datagrams.size());
        assertThat(streamBytes()).as("bytes of the TCP stream").isEqualTo(STREAM_BYTES);
        WorkerTest.closes(counters);
    }

    @ParameterizedTest
    @ValueSource(strings = {"kernel-vxlan-wire.pcap", "kernel-vxlan-veth.pcap"})
    void whatThePodsGetIsCompleteOrSaidToBePartial(String capture) {
        PcapFile.udpPayloads(capture).forEach(datagram -> socket.arrive(PEER_NODE, datagram, datagram.length));
        worker.run();

        for (byte[] written : tun.written()) {
            ByteBuf packet = Unpooled.wrappedBuffer(written);
            int ip = VirtioNetHeader.BYTES;
            int transportBytes = written.length - ip - Ipv4Header.MIN_BYTES;
            int protocol = Ipv4Header.protocol(packet, ip);
            assertThat(Ipv4Header.hasValidChecksum(packet, ip)).isTrue();
            if (VirtioNetHeader.needsChecksum(packet, 0)) {
                int field = ip + Ipv4Header.MIN_BYTES + VirtioNetHeader.checksumOffset(packet, 0);
                assertThat(packet.getUnsignedShortLE(field))
                        .isEqualTo(InternetChecksum.fold(
                                Ipv4Header.CODEC.pseudoHeaderSum(packet, ip, protocol, transportBytes)));
                assertThat(written.length - ip <= MTU || VirtioNetHeader.gsoSize(packet, 0) > 0)
                        .as("a packet longer than the MTU says how to cut it")
                        .isTrue();
            } else if (protocol != Ipv4Header.PROTOCOL_ICMP) {
                long sum = Ipv4Header.CODEC.pseudoHeaderSum(packet, ip, protocol, transportBytes);
                assertThat(InternetChecksum.isValid(
                                InternetChecksum.add(sum, packet, ip + Ipv4Header.MIN_BYTES, transportBytes)))
                        .isTrue();
            }
        }
    }

    @Test
    void aWireSegmentDamagedAnywhereInItsPayloadIsCounted() {
        byte[] segment = PcapFile.udpPayloads("kernel-vxlan-wire.pcap").stream()
                .filter(datagram -> datagram.length > 1000)
                .findFirst()
                .orElseThrow();
        int damaged = 0;
        for (int at = 22 + Ipv4Header.MIN_BYTES; at < segment.length; at += 97) {
            byte[] bad = segment.clone();
            bad[at] ^= 0x10;
            socket.arrive(PEER_NODE, bad, bad.length);
            damaged++;
        }

        worker.run();

        assertThat(worker.counters().dropped(DropReason.BAD_INNER_CHECKSUM)).isEqualTo(damaged);
        assertThat(tun.written()).isEmpty();
    }

    private int streamBytes() {
        int bytes = 0;
        for (byte[] written : tun.written()) {
            ByteBuf packet = Unpooled.wrappedBuffer(written);
            int ip = VirtioNetHeader.BYTES;
            if (Ipv4Header.protocol(packet, ip) == Ipv4Header.PROTOCOL_TCP) {
                int transport = ip + Ipv4Header.MIN_BYTES;
                bytes += Ipv4Header.totalBytes(packet, ip)
                        - Ipv4Header.MIN_BYTES
                        - TcpHeader.headerBytes(packet, transport);
            }
        }
        return bytes;
    }
}

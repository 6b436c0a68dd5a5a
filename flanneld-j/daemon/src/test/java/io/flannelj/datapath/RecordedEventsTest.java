package io.flannelj.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.backend.vxlan.VxlanEncapsulator;
import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.device.TunFeatures;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import io.flannelj.net.MacAddress;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a worker writes into Java's flight recorder. */
class RecordedEventsTest {
    private static final int POD = IpAddress.parse("10.5.1.2").ipv4Bits();
    private static final int PEER_POD = IpAddress.parse("10.5.2.3").ipv4Bits();
    private static final IpAddress PEER_NODE = IpAddress.parse("192.168.0.2");
    private static final byte[] OUR_HEADER = {8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};

    @TempDir
    private Path directory;

    private final MemoryTun tun = new MemoryTun();
    private final MemoryUnderlaySocket socket = new MemoryUnderlaySocket();
    private final Worker worker = new Worker(
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

    @AfterEach
    void release() {
        worker.close();
    }

    /** Records while packets are sent and received, and reads what was recorded. */
    private List<RecordedEvent> recorded(boolean batches, Runnable traffic) throws IOException {
        worker.route(RouteTable.of(List.of(new Peer(Cidr.parse("10.5.2.0/24"), PEER_NODE, 8472, 0x0200_0000_0002L))));
        Path file = directory.resolve("events.jfr");
        try (Recording recording = new Recording()) {
            recording.enable(DropEvent.class);
            if (batches) {
                recording.enable(BatchEvent.class);
            }
            recording.start();
            traffic.run();
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().startsWith("io.flannelj."))
                .toList();
    }

    private void carry() {
        byte[] echo = Packets.echo(POD, PEER_POD, 64, 56);
        byte[] lost = Packets.echo(POD, IpAddress.parse("10.5.77.1").ipv4Bits(), 64, 56);
        byte[] back = Packets.behind(OUR_HEADER, Packets.tcp(Tcp.data(PEER_POD, POD), new byte[1000]));
        byte[] forged = Packets.behind(
                OUR_HEADER, Packets.echo(IpAddress.parse("10.5.9.9").ipv4Bits(), POD, 64, 56));
        tun.offer(Packets.plain(echo));
        tun.offer(Packets.plain(lost));
        socket.arrive(PEER_NODE, back, back.length);
        socket.arrive(PEER_NODE, forged, forged.length);
        worker.run();
        worker.run();
    }

    @Test
    void eachBatchIsRecordedWithItsPacketsBytesAndTime() throws IOException {
        List<RecordedEvent> batches = recorded(true, this::carry).stream()
                .filter(event -> event.getEventType().getName().equals("io.flannelj.Batch"))
                .toList();

        assertThat(batches)
                .extracting(event -> event.getString("direction") + " " + event.getInt("worker") + " "
                        + event.getLong("packets") + " " + event.getLong("bytes"))
                .containsExactlyInAnyOrder("out 0 2 168", "in 0 2 1052");
        assertThat(batches).allSatisfy(event -> assertThat(event.getDuration()).isPositive());
    }

    @Test
    void eachDropIsRecordedWithItsReasonAndPeer() throws IOException {
        List<RecordedEvent> drops = recorded(true, this::carry).stream()
                .filter(event -> event.getEventType().getName().equals("io.flannelj.Drop"))
                .toList();

        assertThat(drops)
                .extracting(event -> event.getString("direction") + " " + event.getString("reason") + " "
                        + event.getString("peer") + " " + event.getInt("packets") + " " + event.getInt("bytes") + " "
                        + event.getLong("total"))
                .containsExactlyInAnyOrder("out no_route null 1 84 1", "in spoofed 192.168.0.2 1 106 1");
    }

    @Test
    void aFloodOfDropsIsRecordedInPart() throws IOException {
        byte[] lost =
                Packets.plain(Packets.echo(POD, IpAddress.parse("10.5.77.1").ipv4Bits(), 64, 56));
        List<RecordedEvent> events = recorded(false, () -> {
            for (int i = 0; i < 1000; i++) {
                tun.offer(lost);
                worker.run();
            }
        });

        assertThat(events).hasSizeBetween(DropRing.BURST, DropRing.SLOTS);
        assertThat(events).extracting(event -> event.getEventType().getName()).containsOnly("io.flannelj.Drop");
    }

    /** Thousands a second: they fill the disk of somebody who did not ask for them. */
    @Test
    void batchesAreOffUnlessARecordingAsksForThem() throws IOException {
        assertThat(recorded(false, this::carry))
                .extracting(event -> event.getEventType().getName())
                .containsOnly("io.flannelj.Drop");
    }
}

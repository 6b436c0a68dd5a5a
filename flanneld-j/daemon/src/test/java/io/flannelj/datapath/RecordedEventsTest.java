package io.flannelj.datapath;

import static io.flannelj.datapath.MemoryNode.OUR_HEADER;
import static io.flannelj.datapath.MemoryNode.PEER_NODE;
import static io.flannelj.datapath.MemoryNode.PEER_POD;
import static io.flannelj.datapath.MemoryNode.POD;
import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.device.MemoryTun;
import io.flannelj.device.MemoryUnderlaySocket;
import io.flannelj.net.IpAddress;
import io.flannelj.packet.Packets;
import io.flannelj.packet.Packets.Tcp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a worker writes into Java's flight recorder. */
class RecordedEventsTest {
    @TempDir
    private Path directory;

    private final MemoryNode node = new MemoryNode();
    private final MemoryTun tun = node.tun;
    private final MemoryUnderlaySocket socket = node.socket;
    private final Worker worker = node.worker;

    @AfterEach
    void release() {
        node.close();
    }

    /** Records while packets are sent and received, and reads what was recorded. */
    private List<RecordedEvent> recorded(boolean batches, Runnable traffic) throws IOException {
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

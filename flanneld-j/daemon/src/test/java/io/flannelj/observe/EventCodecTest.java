package io.flannelj.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flannelj.packet.Packets;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventCodecTest {
    private final List<PacketEvent> packets = new ArrayList<>();
    private final List<EventCounts> counts = new ArrayList<>();
    private int most = Integer.MAX_VALUE;

    private void read(byte[] bytes) throws IOException {
        EventReader.read(new ByteArrayInputStream(bytes), new EventReader.Listener() {
            @Override
            public boolean packet(PacketEvent event) {
                packets.add(event);
                return packets.size() < most;
            }

            @Override
            public boolean pause(EventCounts now) {
                counts.add(now);
                return true;
            }
        });
    }

    private static byte[] written() {
        EventWriter writer = new EventWriter().begin();
        writer.add(Events.sent(Events.tcp()));
        writer.add(Events.dropped(Events.tcp()));
        writer.add(Events.received(Events.tcp()));
        writer.addCounts(new EventCounts(3, 1L << 40));
        return writer.take();
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        read(written());

        assertThat(counts).containsExactly(new EventCounts(3, 1L << 40));
        assertThat(packets)
                .usingRecursiveFieldByFieldElementComparator()
                .containsExactly(
                        Events.sent(Events.tcp()), Events.dropped(Events.tcp()), Events.received(Events.tcp()));
    }

    @Test
    void aReaderThatHasEnoughReadsNoMore() throws IOException {
        most = 2;
        read(written());
        assertThat(packets).hasSize(2);
        assertThat(counts).isEmpty();
    }

    @Test
    void aStreamThatIsCutOffAnywhereButBetweenFramesIsToldApart() {
        byte[] whole = written();
        int ends = 0;
        for (int length = 0; length < whole.length; length++) {
            try {
                read(Arrays.copyOf(whole, length));
                ends++;
            } catch (IOException e) {
                // as it should be
            }
        }
        assertThat(ends).as("between frames").isEqualTo(4);
    }

    @Test
    void framesOfALaterVersionAreLeftOut() throws IOException {
        byte[] unknownType = {'F', 'J', 'P', '1', 0, 0, 0, 2, 99, 1};
        EventWriter more = new EventWriter();
        more.add(Events.sent(Events.tcp()));
        read(Packets.behind(unknownType, more.take()));
        assertThat(packets).hasSize(1);
    }

    @Test
    void somethingElseIsRefused() {
        assertThatThrownBy(() -> read("HTTP/1.1 200 OK".getBytes(StandardCharsets.US_ASCII)))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> read(new byte[] {'F', 'J', 'P', '1', 127, 0, 0, 0}))
                .isInstanceOf(IOException.class);
        for (int seed = 0; seed < 1000; seed++) {
            byte[] noise = Packets.behind(new byte[] {'F', 'J', 'P', '1', 0, 0, 0, 60, 1}, Packets.random(seed, 59));
            try {
                read(noise);
            } catch (IOException e) {
                // as it may be
            }
        }
    }
}

package io.flannelj.admin;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class HistoryTest {
    private long nanos;
    private long bytes;
    private long drops;
    private int peers = 1;
    private final History history = new History(() -> nanos);

    private final DaemonView daemon = new QuietDaemon() {
        @Override
        public StatusDocument status() {
            StatusDocument.Traffic traffic =
                    new StatusDocument.Traffic(1, 1, bytes, 1, 1, 2 * bytes, Map.of("in.checksum", drops), Set.of());
            StatusDocument.Store store = new StatusDocument.Store("etcd", true, "", null);
            return new StatusDocument(
                    "1", "ready", true, List.of(), "", "", "", "", "", "", "", 0, List.of(), peers, List.of(), 0, 1,
                    store, traffic);
        }

        @Override
        public List<PeerDocument> peers() {
            PathDocument path = new PathDocument(
                    "", "", "daemon", "answering", "", 0.5, 0.5, 0.5, 1, 0, 0, 0, "works", "", "works", "");
            return List.of(
                    new PeerDocument(
                            "10.5.2.0/24", "192.0.2.2", "vxlan", 1L, bytes, 1L, 0L, "uncut", List.of(path), null),
                    new PeerDocument(
                            "10.5.3.0/24", "192.0.2.3", "vxlan", null, null, null, null, null, null, "refused"));
        }
    };

    private void pass(double seconds, long more, long dropped) {
        nanos += (long) (seconds * 1e9);
        bytes += more;
        drops += dropped;
        history.sample(daemon);
    }

    @Test
    void ratesAreOfTheTimeThatPassed() {
        pass(0, 0, 3);
        pass(5, 5000, 0);
        pass(10, 5000, 2);

        HistoryDocument document = history.document();

        assertThat(document.out()).containsExactly(1000.0, 500.0);
        assertThat(document.in()).containsExactly(2000.0, 1000.0);
        assertThat(document.drops()).as("within the minute").isEqualTo(Map.of("in.checksum", 2L));
        assertThat(document.peers()).containsOnlyKeys("10.5.2.0/24");
        HistoryDocument.OfPeer peer = document.peers().get("10.5.2.0/24");
        assertThat(peer.out()).containsExactly(1000.0, 500.0);
        assertThat(peer.rttMillis()).containsExactly(0.5, 0.5, 0.5);
    }

    @Test
    void countersThatBeginAnewAreNoRate() {
        pass(0, 5000, 5);
        pass(5, -5000, -5);
        assertThat(history.document().out()).containsExactly(0.0);
        assertThat(history.document().drops()).isEmpty();
    }

    @Test
    void olderThanAMinuteIsForgotten() {
        for (int i = 0; i < 100; i++) {
            pass(5, 100, i == 50 ? 9 : 0);
        }
        assertThat(history.document().out()).hasSize(12);
        assertThat(history.document().drops()).isEmpty();
    }

    @Test
    void ofManyPeersOnlyTheSumIsKept() {
        peers = History.MAX_PEERS + 1;
        pass(0, 0, 0);
        pass(5, 10, 0);
        assertThat(history.document().peers()).isEmpty();
        assertThat(history.document().out()).hasSize(1);
    }
}

package io.flannelj.admin;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class StatusPageTest {
    private static final HistoryDocument NO_HISTORY = new HistoryDocument(5, List.of(), List.of(), Map.of(), Map.of());

    private static StatusDocument status(String state, List<String> reasons, String subnet, int peers) {
        boolean known = !subnet.isEmpty();
        return new StatusDocument(
                "1.2",
                state,
                !state.equals("starting"),
                reasons,
                known ? "eth0" : "",
                known ? "192.0.2.1" : "",
                known ? "10.5.0.0/16" : "",
                subnet,
                known ? "2026-01-01T00:00:00Z" : "",
                known ? "vxlan" : "",
                known ? "flannel.1" : "",
                known ? 1450 : 0,
                List.of("flannel.1: uncut by flannel-gso0"),
                peers,
                List.of(),
                peers > 2 ? 1 : 0,
                3725,
                new StatusDocument.Store("etcd at http://192.0.2.9:2379", true, "", 0L),
                known
                        ? new StatusDocument.Traffic(
                                10,
                                9,
                                1_234_567,
                                5,
                                5,
                                700,
                                Map.of("out.no_route", 1L, "in.checksum", 0L),
                                Set.of("out.ack_filtered"))
                        : null);
    }

    private static PeerDocument peer(int number, String reach, int mtu, @Nullable String problem) {
        PathDocument path = new PathDocument(
                "10.5." + number + ".0/24",
                "flannel.1",
                "daemon",
                reach,
                "2026-01-01T00:00:00Z",
                0.21,
                0.2345,
                0.2,
                100,
                2,
                mtu,
                1450,
                "works",
                "2026-01-01T00:00:00Z",
                "works",
                "2026-01-01T00:00:00Z");
        return new PeerDocument(
                "10.5." + number + ".0/24",
                "192.0.2." + number,
                "vxlan",
                1L,
                2_500_000L,
                3L,
                999L,
                "segmented",
                problem == null ? List.of(path) : null,
                problem);
    }

    private static String page(List<PeerDocument> peers, HistoryDocument history) {
        return StatusPage.render(status("ready", List.of(), "10.5.1.0/24", peers.size()), peers, history);
    }

    @Test
    void aPeerIsShownWithItsPath() {
        assertThat(page(List.of(peer(2, "answering", 1400, null)), NO_HISTORY))
                .contains("1 other node", ">192.0.2.2<", ">10.5.2.0/24<", "0.23 ms", "2 %", "1400 of 1450", ">works<")
                .contains("2.50 MB", "999 B", "1 h 2 min", "1 packet since the start")
                .contains("<line class=\"answering\"", "<tr class=\"answering\">");
    }

    @Test
    void whatIsInTroubleComesFirst() {
        String page = page(
                List.of(
                        peer(2, "answering", 1450, null),
                        peer(3, "silent", 1450, null),
                        peer(4, "answering", 1450, "its lease names our own address; give it another")),
                NO_HISTORY);
        assertThat(page.substring(page.indexOf("<table")))
                .containsSubsequence(
                        ">192.0.2.4<",
                        "cannot be used",
                        "its lease names our own address; give it another",
                        ">192.0.2.3<",
                        "silent since 2026-01-01T00:00:00Z",
                        ">192.0.2.2<");
    }

    @Test
    void theLastMinuteIsDrawn() {
        List<@Nullable Double> times = new ArrayList<>(List.of(0.2, 0.4));
        times.add(1, null);
        HistoryDocument history = new HistoryDocument(
                5,
                List.of(0.0, 125_000.0),
                List.of(0.0, 0.0),
                Map.of("out.no_route", 7L),
                Map.of("10.5.2.0/24", new HistoryDocument.OfPeer(times, List.of(12.5), List.of(0.0))));
        assertThat(page(List.of(peer(2, "answering", 1450, null)), history))
                .contains("1.00 Mbit/s", "0 bit/s", "100 bit/s")
                .contains("out.no_route", "value=\"7\"")
                .contains("M78.7 11.0h.01M94.0 2.0h.01"); // two dots, and nothing between them
    }

    @Test
    void whatComesFromElsewhereIsText() {
        String bad = "\"><script>alert(1)</script>&";
        PeerDocument peer = new PeerDocument(bad, bad, bad, 1L, 1L, 1L, 1L, bad, null, bad);
        HistoryDocument history = new HistoryDocument(5, List.of(), List.of(), Map.of(bad, 1L), Map.of());
        String page = StatusPage.render(status("degraded", List.of(bad), "10.5.1.0/24", 1), List.of(peer), history);
        assertThat(page).doesNotContain("<script>alert", bad).contains("&quot;&gt;&lt;script&gt;alert(1)");
    }

    @Test
    void whileStartingTheCauseIsShownAndNothingThatIsUnknown() {
        assertThat(StatusPage.render(
                        status("starting", List.of("no network config yet"), "", 0), List.of(), NO_HISTORY))
                .contains("Why pods are not served", "<p>no network config yet</p>", "etcd at http://192.0.2.9:2379")
                .doesNotContain("<small>uplink", "<small>carried by", "other node", "MTU 0", "<small>out");
    }

    @Test
    void aPageHasAnEnd() {
        List<PeerDocument> peers = new ArrayList<>();
        for (int i = 0; i < 5000; i++) {
            peers.add(peer(2 + i % 200, "answering", 1450, null));
        }
        assertThat(page(peers, NO_HISTORY))
                .hasSizeLessThan(200_000)
                .contains("and 4744 more", "5000 other nodes, 1 lease refused")
                .doesNotContain("<svg class=map");
        assertThat(page(peers.subList(0, 300), NO_HISTORY)).contains("<svg class=map", "<rect class=\"answering\"");
    }

    @Test
    void nodesThatDoNotAnswerStandOnTopAndWhatLosesNothingIsNoDrop() {
        HistoryDocument history =
                new HistoryDocument(5, List.of(), List.of(), Map.of("out.ack_filtered", 7674L), Map.of());
        assertThat(page(List.of(peer(2, "answering", 1450, null), peer(3, "silent", 1450, null)), history))
                .contains("Nodes that do not answer", "1 of 2; flanneld-j explain", ">nothing<")
                .doesNotContain("ack_filtered", "7674");
        assertThat(page(List.of(peer(2, "answering", 1450, null)), history)).doesNotContain("do not answer");
    }
}

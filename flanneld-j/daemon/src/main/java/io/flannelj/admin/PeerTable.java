package io.flannelj.admin;

import io.flannelj.admin.HistoryDocument.OfPeer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The other nodes as a table, those that are in trouble first. On a narrow screen each row is a card. */
final class PeerTable {
    private static final int MOST_ROWS = 256;
    private static final String NOTHING = "–";

    private final HistoryDocument history;
    private final Html html;

    private PeerTable(HistoryDocument history, Html html) {
        this.history = history;
        this.html = html;
    }

    static void render(List<PeerDocument> peers, HistoryDocument history, Html html) {
        new PeerTable(history, html).render(peers);
    }

    private void render(List<PeerDocument> peers) {
        List<PeerDocument> rows = new ArrayList<>(peers);
        rows.sort(Comparator.comparingInt(PeerTable::urgency));
        html.markup("<table class=peers><thead><tr><th>node<th>subnet<th>answers<th class=n>RTT<th class=n>loss")
                .markup("<th class=n>path MTU<th>encapsulation<th>segmentation<th class=n>out<th class=n>in</thead>");
        rows.stream().limit(MOST_ROWS).forEach(this::row);
        html.markup("</table>");
        if (rows.size() > MOST_ROWS) {
            html.element("p class=more", "and " + (rows.size() - MOST_ROWS) + " more: flanneld-j peers shows all");
        }
    }

    private static int urgency(PeerDocument peer) {
        return switch (ClusterMap.condition(peer)) {
            case "unusable" -> 0;
            case "lost" -> 1;
            case "answering" -> peer.paths() != null && peer.paths().stream().anyMatch(PeerTable::isImpaired) ? 2 : 3;
            default -> 3;
        };
    }

    private static boolean isImpaired(PathDocument path) {
        return path.lossPercent() > 0
                || (path.mtu() > 0 && path.mtu() < path.tunnelMtu())
                || path.segmentation().equals("damages")
                || path.checksum().equals("damages");
    }

    private void row(PeerDocument peer) {
        List<PathDocument> paths = peer.paths();
        PathDocument path = paths == null || paths.isEmpty() ? null : paths.get(0);
        String condition = ClusterMap.condition(peer);
        html.markup("<tr class=\"" + condition + "\">");
        cell("node", "", peer.publicIp());
        cell("subnet", "", peer.subnet());
        cell("answers", "state", answers(peer, path));
        OfPeer past = history.peers().get(peer.subnet());
        open("RTT", "n");
        html.text(path == null || path.rttSmoothedMillis() == null ? NOTHING : Units.millis(path.rttSmoothedMillis()));
        if (past != null) {
            html.markup(Sparkline.of(past.rttMillis(), "round-trip time of the last minute"));
        }
        cell("loss", "n", path == null || path.probes() == 0 ? NOTHING : path.lossPercent() + " %");
        cell("path MTU", "n", mtu(path));
        cell("encapsulation", "", peer.backend().isEmpty() ? "udp" : peer.backend());
        cell("segmentation", "", segmentation(peer, path));
        traffic("out", peer.bytesOut(), past == null ? List.of() : past.out());
        traffic("in", peer.bytesIn(), past == null ? List.of() : past.in());
        if (peer.problem() != null) {
            html.markup("<tr class=why><td colspan=10>").text(peer.problem());
        }
    }

    private static String answers(PeerDocument peer, @Nullable PathDocument path) {
        if (peer.problem() != null) {
            return "cannot be used";
        }
        if (path == null) {
            return "not probed";
        }
        return path.isLost() ? path.reach() + " since " + path.reachSince() : path.isAnswering() ? "yes" : path.reach();
    }

    private static String segmentation(PeerDocument peer, @Nullable PathDocument path) {
        if (path == null || !path.isAnswering()) {
            return NOTHING;
        }
        if (path.checksum().equals("damages")) {
            return "none, without checksums";
        }
        if ("uncut".equals(peer.superPackets())) {
            return "of the whole tunnel";
        }
        return path.carriedBy().equals("kernel") ? "by the kernel" : path.segmentation();
    }

    private static String mtu(@Nullable PathDocument path) {
        if (path == null || path.mtu() == 0) {
            return NOTHING;
        }
        return path.mtu() < path.tunnelMtu() ? path.mtu() + " of " + path.tunnelMtu() : String.valueOf(path.mtu());
    }

    private void traffic(String name, @Nullable Long bytes, List<Double> rates) {
        open(name, "n");
        if (bytes == null) {
            html.text(NOTHING);
            return;
        }
        if (rates.isEmpty()) {
            html.text(Units.bytes(bytes));
            return;
        }
        html.text(Units.bitRate(rates.get(rates.size() - 1)))
                .markup("<small>")
                .text(Units.bytes(bytes))
                .markup("</small>")
                .markup(Sparkline.of(rates, "traffic of the last minute"));
    }

    private void cell(String name, String style, String value) {
        open(name, style);
        html.text(value);
    }

    /** The column's name stands in front of the value where the screen is narrow. */
    private void open(String name, String style) {
        html.markup("<td data-name=\"" + name + "\"" + (style.isEmpty() ? "" : " class=" + style) + ">");
    }
}

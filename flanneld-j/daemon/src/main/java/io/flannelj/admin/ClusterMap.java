package io.flannelj.admin;

import java.util.List;
import java.util.Locale;

/**
 * This node and the others as SVG. A few are drawn around this one, each with its address; many are small squares. What a
 * colour says is said by the table as well.
 */
final class ClusterMap {
    private static final int MOST_AROUND = 16;
    private static final int MOST_SQUARES = 2000;
    private static final int WIDTH = 640;
    private static final int HEIGHT = 300;
    private static final int SQUARE = 14;

    private ClusterMap() {}

    static String of(String self, List<PeerDocument> peers) {
        if (peers.isEmpty() || peers.size() > MOST_SQUARES) {
            return "";
        }
        return peers.size() <= MOST_AROUND ? around(self, peers) : squares(peers);
    }

    /** What is known of the way to a peer, as a class of the style sheet. */
    static String condition(PeerDocument peer) {
        List<PathDocument> paths = peer.paths();
        if (peer.problem() != null) {
            return "unusable";
        }
        if (paths == null || paths.stream().noneMatch(path -> path.isAnswering() || path.isLost())) {
            return "unknown";
        }
        return paths.stream().anyMatch(PathDocument::isLost) ? "lost" : "answering";
    }

    private static String around(String self, List<PeerDocument> peers) {
        StringBuilder lines = new StringBuilder();
        StringBuilder nodes = new StringBuilder();
        for (int i = 0; i < peers.size(); i++) {
            PeerDocument peer = peers.get(i);
            double angle = 2 * Math.PI * i / peers.size() - Math.PI / 2;
            double x = WIDTH / 2.0 + 240 * Math.cos(angle);
            double y = HEIGHT / 2.0 - 6 + 112 * Math.sin(angle);
            String condition = condition(peer);
            lines.append(String.format(
                    Locale.ROOT,
                    "<line class=\"%s\" x1=\"%d\" y1=\"%d\" x2=\"%.0f\" y2=\"%.0f\"/>",
                    condition,
                    WIDTH / 2,
                    HEIGHT / 2 - 6,
                    x,
                    y));
            nodes.append(node(condition, x, y, 9, peer.publicIp().isEmpty() ? peer.subnet() : peer.publicIp()));
        }
        return open(HEIGHT) + lines + node("self", WIDTH / 2.0, HEIGHT / 2.0 - 6, 13, self) + nodes + "</svg>";
    }

    private static String node(String condition, double x, double y, int radius, String label) {
        return String.format(
                Locale.ROOT,
                "<circle class=\"%s\" cx=\"%.0f\" cy=\"%.0f\" r=\"%d\"/><text x=\"%.0f\" y=\"%.0f\">%s</text>",
                condition,
                x,
                y,
                radius,
                x,
                y + radius + 14,
                Html.escape(label));
    }

    private static String squares(List<PeerDocument> peers) {
        int columns = WIDTH / SQUARE;
        StringBuilder nodes = new StringBuilder();
        for (int i = 0; i < peers.size(); i++) {
            PeerDocument peer = peers.get(i);
            nodes.append(String.format(
                    Locale.ROOT,
                    "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"11\" height=\"11\"><title>%s %s</title></rect>",
                    condition(peer),
                    i % columns * SQUARE,
                    i / columns * SQUARE,
                    Html.escape(peer.publicIp()),
                    Html.escape(peer.subnet())));
        }
        return open((peers.size() + columns - 1) / columns * SQUARE) + nodes + "</svg>";
    }

    private static String open(int height) {
        return "<svg class=map viewBox=\"0 0 " + WIDTH + " " + height
                + "\" role=img aria-label=\"this node and the others\">";
    }
}

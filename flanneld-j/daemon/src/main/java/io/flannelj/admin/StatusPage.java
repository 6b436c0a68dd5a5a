package io.flannelj.admin;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * The status page: what is wrong, first; this node; its traffic; the other nodes. It is whole without scripts, and reloads
 * itself; with scripts it takes in the same page anew without being loaded. Nothing of it comes from elsewhere.
 */
final class StatusPage {
    private static final String STYLE = resource("status.css");
    private static final String SCRIPT = resource("status.js");

    /** Only this style and this script, and only this server may be asked: whatever else got into the page is dead. */
    static final String CONTENT_SECURITY_POLICY =
            "default-src 'none'; style-src 'sha256-" + hash(STYLE) + "'; script-src 'sha256-" + hash(SCRIPT)
                    + "'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private StatusPage() {}

    private static String resource(String name) {
        try (InputStream file = StatusPage.class.getResourceAsStream(name)) {
            if (file == null) {
                throw new IllegalStateException("the build has lost " + name);
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String hash(String text) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    static String render(StatusDocument status, List<PeerDocument> peers, HistoryDocument history) {
        Html html = new Html();
        html.markup("<!doctype html><html lang=en><meta charset=utf-8>")
                .markup("<meta name=viewport content=\"width=device-width\">")
                .markup("<noscript><meta http-equiv=refresh content=5></noscript>")
                .element("title", (status.publicIp() + " " + status.state() + " – flanneld-j").strip())
                .markup("<style>" + STYLE + "</style><main>");
        head(status, html);
        reasons(status, html);
        silent(peers, html);
        facts(status, html);
        traffic(status, history, html);
        peers(status, peers, history, html);
        html.markup("<footer>")
                .element("span", "flanneld-j " + status.version())
                .markup("<a href=\"metrics\">metrics</a><a href=\"readyz\">readiness</a>")
                .markup("<a href=\"v1/status\">status</a><a href=\"v1/peers\">peers</a>")
                .markup("<a href=\"v1/history\">history</a></footer></main><script>" + SCRIPT + "</script></html>\n");
        return html.toString();
    }

    private static void head(StatusDocument status, Html html) {
        html.markup("<header><h1>").text(status.publicIp().isEmpty() ? "flanneld-j" : status.publicIp());
        html.markup("</h1>").element("b class=" + status.state(), status.state());
        html.element("span", "up " + Units.duration(status.uptimeSeconds())).markup("</header>");
    }

    private static void reasons(StatusDocument status, Html html) {
        if (status.reasons().isEmpty()) {
            return;
        }
        html.markup("<section class=\"reasons " + status.state() + "\">")
                .element("h2", status.ready() ? "What is wrong" : "Why pods are not served");
        status.reasons().forEach(reason -> html.element("p", reason));
        html.markup("</section>");
    }

    /** A node may be ready and reach nobody. */
    private static void silent(List<PeerDocument> peers, Html html) {
        long lost = peers.stream()
                .filter(peer -> ClusterMap.condition(peer).equals("lost"))
                .count();
        if (lost > 0) {
            html.markup("<section class=\"reasons degraded\">")
                    .element("h2", "Nodes that do not answer")
                    .element(
                            "p",
                            lost + " of " + peers.size()
                                    + "; flanneld-j explain, with a pod of each side, names the broken link")
                    .markup("</section>");
        }
    }

    private static void facts(StatusDocument status, Html html) {
        html.markup("<section class=facts>");
        fact(html, "pod network", status.network(), "");
        fact(html, "this node's subnet", status.subnet(), "until " + status.leaseExpires());
        fact(html, "uplink", status.uplink(), status.publicIp());
        fact(
                html,
                "carried by",
                status.backend(),
                status.device().isEmpty() ? "" : "on " + status.device() + ", pod MTU " + status.mtu());
        fact(html, "store", status.store().location(), status.store().text());
        html.markup("</section>");
    }

    /** A thing that is not known yet is left out. */
    private static void fact(Html html, String name, String value, String more) {
        if (!value.isEmpty()) {
            html.markup("<div>").element("small", name).element("strong", value).element("span", more);
            html.markup("</div>");
        }
    }

    private static void traffic(StatusDocument status, HistoryDocument history, Html html) {
        StatusDocument.Traffic traffic = status.traffic();
        if (traffic == null) {
            return;
        }
        html.markup("<section class=traffic>");
        flow(html, "out", history.out(), traffic.outDelivered(), traffic.outBytes());
        flow(html, "in", history.in(), traffic.inDelivered(), traffic.inBytes());
        html.markup("<div>").element("small", "dropped in the last minute");
        Map<String, Long> drops = traffic.lost(history.drops());
        if (drops.isEmpty()) {
            html.element("strong", "nothing");
        }
        long most = drops.values().stream().mapToLong(Long::longValue).max().orElse(1);
        for (Map.Entry<String, Long> drop : drops.entrySet()) {
            html.markup("<p class=drop>")
                    .element("span", drop.getKey())
                    .markup("<meter optimum=0 low=0 high=0 max=\"" + most + "\" value=\"" + drop.getValue()
                            + "\"></meter>")
                    .element("b", drop.getValue().toString())
                    .markup("</p>");
        }
        long ever = traffic.lost(traffic.drops()).values().stream()
                .mapToLong(Long::longValue)
                .sum();
        html.element("span", count(ever, "packet") + " since the start").markup("</div></section>");
    }

    private static void flow(Html html, String direction, List<Double> rates, long packets, long bytes) {
        html.markup("<div>").element("small", direction);
        if (!rates.isEmpty()) {
            html.element("strong", Units.bitRate(rates.get(rates.size() - 1)))
                    .markup(Sparkline.of(rates, direction + ", the last minute"));
        }
        html.element("span", count(packets, "packet") + ", " + Units.bytes(bytes) + " since the start")
                .markup("</div>");
    }

    private static String count(long number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    private static void peers(StatusDocument status, List<PeerDocument> peers, HistoryDocument history, Html html) {
        if (status.subnet().isEmpty() && peers.isEmpty()) {
            return;
        }
        html.element(
                "h2",
                count(status.peers(), "other node")
                        + (status.refusedLeases() == 0
                                ? ""
                                : ", " + count(status.refusedLeases(), "lease") + " refused"));
        if (peers.isEmpty()) {
            html.element("p", "Nobody else holds a lease in this store yet.");
            return;
        }
        html.markup(ClusterMap.of(status.publicIp(), peers));
        PeerTable.render(peers, history, html);
    }
}

package io.flannelj.admin;

import java.util.List;

/** The status page: one table of facts, one of peers. Works without scripts, reloads itself. */
final class StatusPage {
    private static final String STYLE = """
            body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1d2733}
            h1{font-size:1.4rem;margin:0 0 1rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
            table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .8rem .3rem 0;
            border-bottom:1px solid #dde3ea;vertical-align:top}th{font-weight:600;color:#516072}
            td.n{text-align:right;font-variant-numeric:tabular-nums}th.n{text-align:right}
            .ready{color:#11713a}.starting,.degraded{color:#a4460a}
            """;

    private StatusPage() {}

    static String render(StatusDocument status, List<PeerDocument> peers) {
        StringBuilder html = new StringBuilder();
        html.append("<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=5>")
                .append("<meta name=viewport content=\"width=device-width\"><title>flanneld-j ")
                .append(escape(status.publicIp()))
                .append("</title><style>")
                .append(STYLE)
                .append("</style><h1>flanneld-j <span class=")
                .append(escape(status.state()))
                .append('>')
                .append(escape(status.state()))
                .append("</span></h1><table>");
        status.reasons().forEach(reason -> row(html, "because", reason));
        row(html, "node", status.publicIp() + " on " + status.uplink());
        row(html, "network", status.network());
        row(html, "subnet", status.subnet() + ", until " + status.leaseExpires());
        row(html, "backend", status.backend() + " on " + status.device() + ", pod MTU " + status.mtu());
        row(
                html,
                "store",
                status.store().location()
                        + (status.store().reachable()
                                ? ""
                                : ": " + status.store().problem()));
        row(html, "version", status.version() + ", up " + status.uptimeSeconds() + " s");
        StatusDocument.Traffic traffic = status.traffic();
        if (traffic != null) {
            row(html, "out", traffic.outDelivered() + " of " + traffic.outPackets() + " packets sent");
            row(html, "in", traffic.inDelivered() + " of " + traffic.inPackets() + " packets delivered");
            traffic.drops().forEach((reason, packets) -> {
                if (packets > 0) {
                    row(html, "dropped, " + reason, packets.toString());
                }
            });
        }
        html.append("</table><h2>")
                .append(peers.size())
                .append(" peers</h2><table><tr><th>subnet<th>node<th>backend")
                .append("<th class=n>packets out<th class=n>bytes out<th class=n>packets in<th class=n>bytes in");
        for (PeerDocument peer : peers) {
            html.append("<tr><td>")
                    .append(escape(peer.subnet()))
                    .append("<td>")
                    .append(escape(peer.publicIp()))
                    .append("<td>")
                    .append(escape(peer.backend()));
            for (Long number : new Long[] {peer.packetsOut(), peer.bytesOut(), peer.packetsIn(), peer.bytesIn()}) {
                html.append("<td class=n>").append(number == null ? "–" : number.toString());
            }
            String problem = peer.problem();
            if (problem != null) {
                html.append("<tr><td><td colspan=6>cannot be used: ").append(escape(problem));
            }
        }
        return html.append("</table></html>\n").toString();
    }

    private static void row(StringBuilder html, String label, String value) {
        html.append("<tr><th>").append(escape(label)).append("<td>").append(escape(value));
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}

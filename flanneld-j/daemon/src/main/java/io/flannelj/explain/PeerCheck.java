package io.flannelj.explain;

import io.flannelj.explain.PeerQuery.Outcome;
import java.time.Duration;
import java.util.Set;

/** The tunnel between this node and another, by whether the other answers through it. */
final class PeerCheck {
    private static final Duration CLOCKS_MAY_DIFFER = Duration.ofSeconds(30);

    private static final String CLOCK_REMEDY = "chronyc makestep || systemctl restart systemd-timesyncd";
    private static final String WRONG_MAC = "wrong_mac";

    /**
     * Reasons to drop packets that come from somebody with a lease and a tunnel. Others may be a stranger's, or those that find out
     * whether somebody listens at the port.
     */
    static final Set<String> TELLING = Set.of(WRONG_MAC, "wrong_vni", "bad_inner_checksum", "tun_refused");

    private PeerCheck() {}

    /**
     * What was found out of the other node.
     *
     * @param peer its address
     * @param port UDP port of the tunnel; 0 where it has none
     * @param signs what its host still answers, where it is silent
     * @param storeAnswers whether this node can put its own lease right
     * @param drops packets that our data path dropped while it was asked, by reason
     */
    record Facts(
            String peer, int port, Outcome outcome, Conversation.Signs signs, boolean storeAnswers, String drops) {}

    static Facts facts(
            DaemonFacts daemon, DaemonFacts.Peer peer, Outcome outcome, Conversation.Signs signs, String drops) {
        return new Facts(
                peer.address(),
                daemon.tunnelPort(),
                outcome,
                signs,
                daemon.storeProblem().isEmpty(),
                drops);
    }

    static Finding judge(String node, Facts facts, String command) {
        String there = facts.peer();
        return switch (facts.outcome().reaction()) {
            case ANSWERED -> Finding.ok(node, Hop.PEER, there + " answers through the tunnel");
            case REFUSED ->
                Finding.unknown(
                        node,
                        Hop.PEER,
                        "the tunnel to " + there
                                + " passes both ways, but no flanneld-j answers there (flannel, an older version, or stopped)");
            case CLOSED ->
                Finding.unknown(
                        node,
                        Hop.PEER,
                        "the tunnel to " + there + " passes both ways, but " + there
                                + " closed the connection without an answer (busy, or it knows no lease of this node)");
            case NOT_ASKED ->
                Finding.unknown(
                        node,
                        Hop.PEER,
                        there + " was not asked: " + facts.outcome().detail());
            case SILENT -> judgeSilence(node, facts, command);
        };
    }

    private static Finding judgeSilence(String node, Facts facts, String command) {
        String there = facts.peer();
        if (facts.signs().passes()) {
            return Finding.unknown(
                    node,
                    Hop.PEER,
                    "the tunnel to " + there + " passes both ways, but " + there
                            + " does not answer the query (a firewall there?): "
                            + facts.outcome().detail());
        }
        if (facts.signs().refused()) {
            return Finding.broken(
                    there,
                    Hop.PEER,
                    "nothing listens at UDP port " + facts.port() + " of " + there + ": its daemon does not run",
                    DaemonCheck.START);
        }
        if (facts.drops().contains(WRONG_MAC)) {
            return Finding.broken(
                    node,
                    Hop.PEER,
                    there + " sends to another MAC address than this node's, as our lease in the store has it: "
                            + facts.drops()
                            + (facts.storeAnswers()
                                    ? ""
                                    : "; it is not put right, because the store does not answer this node"),
                    facts.storeAnswers() ? DaemonCheck.RESTART : DaemonCheck.DOCTOR);
        }
        if (!facts.drops().isEmpty()) {
            return Finding.broken(
                    there,
                    Hop.PEER,
                    "packets of " + there + " arrive at " + node + " and are dropped: " + facts.drops(),
                    DaemonCheck.RESTART);
        }
        String what = facts.port() > 0 ? "UDP port " + facts.port() : "the tunnel's protocol";
        return Finding.broken(
                there,
                Hop.PEER,
                "what is sent to " + what + " of " + there + " is not answered"
                        + (facts.signs().echoedOutside()
                                ? ", though the node answers ping: filtered on the way or there, or its daemon hangs."
                                        + " Where explain names no rule there either, open " + what
                                        + " both ways in the network between"
                                : ", nor is ping: the node is down, or filtered, or its daemon hangs"),
                command);
    }

    /**
     * Whether both clocks agree, as leases need it.
     *
     * @param peer address of the other node, by its lease: an answer may call itself anything
     * @param peerMillis its clock
     */
    static Finding judgeClock(String node, String peer, long peerMillis, long ourMillis) {
        Duration off = Duration.ofMillis(peerMillis - ourMillis);
        return off.abs().compareTo(CLOCKS_MAY_DIFFER) <= 0
                ? Finding.ok(node, Hop.CLOCK, "clocks agree within " + CLOCKS_MAY_DIFFER.toSeconds() + " s")
                : Finding.broken(
                        peer,
                        Hop.CLOCK,
                        "the clock of " + peer + " is " + off.abs().toSeconds() + " s "
                                + (off.isNegative() ? "behind" : "ahead of") + " that of " + node
                                + ": leases end too early or too late",
                        CLOCK_REMEDY);
    }
}

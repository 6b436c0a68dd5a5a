package io.flannelj.recorder;

/** One thing that became otherwise. */
public sealed interface Change {
    /** A daemon began, knowing nothing. */
    record Started(String version) implements Change {}

    /** It ended, as it was asked to. */
    record Stopped() implements Change {}

    /** Another network config is in force. */
    record Network(String text) implements Change {}

    /** This node's lease was acquired, renewed or fenced. */
    record Lease(Facts.Own own) implements Change {}

    /** A lease of another node is there, or says something else now, or is judged otherwise. */
    record PeerIs(String key, Facts.Peer peer) implements Change {}

    /** A lease of another node is gone. */
    record PeerGone(String key) implements Change {}

    /** Something is wrong with this node; empty text: nothing any more. */
    record Trouble(String text) implements Change {}
}

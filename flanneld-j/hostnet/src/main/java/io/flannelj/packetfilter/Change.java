package io.flannelj.packetfilter;

/** What it took to bring rules into force, from nothing to most. */
public enum Change {
    /** They were in force. */
    NONE,
    /** Other rules are wanted than before, or these for the first time. */
    WANTED,
    /** Another program had changed what was in force last; whether or not other rules are wanted now. */
    REPAIR;

    /** The greater of both. */
    public Change and(Change other) {
        return compareTo(other) < 0 ? other : this;
    }
}

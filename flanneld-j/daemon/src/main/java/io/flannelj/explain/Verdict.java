package io.flannelj.explain;

/** What is known of one link of a way. */
public enum Verdict {
    OK("ok"),
    /** Packets pass, but not as they should: something is worked around. */
    LIMITED("limited"),
    BROKEN("BROKEN"),
    UNKNOWN("unknown");

    private final String label;

    Verdict(String label) {
        this.label = label;
    }

    /** As people and JSON see it. */
    public String label() {
        return label;
    }
}

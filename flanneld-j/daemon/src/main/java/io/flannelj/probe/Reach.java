package io.flannelj.probe;

import java.util.Locale;

/** What answers say of a peer. */
public enum Reach {
    /** It was not asked long enough. */
    UNKNOWN,
    /** It answers. */
    ANSWERING,
    /** It does not answer, though packets come from it: our way to it is broken, or it answers no ping. */
    NOT_ANSWERING,
    /** It does not answer, and nothing comes from it. */
    SILENT;

    /** The name as people and JSON see it, e.g. {@code not answering}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}

package io.flannelj.probe;

/** What trains say of a feature on a path. */
public enum FeatureVerdict {
    /** Not tested: it is not used there, or there was no answer yet. */
    UNTESTED,
    /** Datagrams arrive with it as they do without. */
    WORKS,
    /** With it datagrams arrive damaged or not at all, while they arrive without it. */
    DAMAGES
}

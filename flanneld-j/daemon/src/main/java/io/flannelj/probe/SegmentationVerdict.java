package io.flannelj.probe;

/** What trains say of segmentation on a path. */
public enum SegmentationVerdict {
    /** Not tested: it is not used there, or there was no answer yet. */
    UNTESTED,
    /** Runs arrive as single datagrams do. */
    WORKS,
    /** Runs arrive damaged or not at all, while single datagrams do arrive. */
    DAMAGES
}

package io.flannelj.lease.loop;

/** A fault that was fixed, put back into one of the parts. */
enum Mutation {
    NONE,
    /** The clock is read twice, once to decide and once to plan the next look. */
    FENCE_READS_CLOCK_TWICE,
    /** Timers are as long as they have to be, and stand still while the machine is suspended. */
    TIMERS_IGNORE_SUSPENSION,
    /** Any version of our lease that we did not write is another node's. */
    EVERY_REWRITE_IS_A_RIVAL,
    /** A write without an answer is taken back. */
    UNANSWERED_WRITE_IS_REVOKED,
    /** An unchecked exception ends following. */
    DEFECT_ENDS_FOLLOWING,
    /** A watch that says nothing is believed to have nothing to say. */
    SILENCE_IS_BELIEVED,
    /** Only changes count as signs of life. */
    PROGRESS_IS_IGNORED
}

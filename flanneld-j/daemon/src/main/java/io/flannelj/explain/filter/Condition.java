package io.flannelj.explain.filter;

/** One thing that a rule asks of a packet. */
interface Condition {
    /** What is not understood, or depends on what is not known here. */
    Condition UNKNOWN = passage -> Answer.MAYBE;

    Answer ask(Passage passage);

    /** The answer, as far as it is known. */
    enum Answer {
        YES,
        NO,
        MAYBE;

        static Answer of(boolean known) {
            return known ? YES : NO;
        }

        Answer negatedIf(boolean negated) {
            return !negated || this == MAYBE ? this : of(this == NO);
        }
    }

    /** The same, or its opposite. */
    default Condition negatedIf(boolean negated) {
        return negated ? passage -> ask(passage).negatedIf(true) : this;
    }
}

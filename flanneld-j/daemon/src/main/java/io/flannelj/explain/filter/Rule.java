package io.flannelj.explain.filter;

import java.util.List;

/**
 * One rule.
 *
 * @param conditions all of which must hold
 * @param action what happens then
 * @param target chain that a jump leads to; else empty
 * @param text as people know it
 * @param removal command that removes it
 */
record Rule(List<Condition> conditions, Action action, String target, String text, String removal) {
    Rule {
        conditions = List.copyOf(conditions);
    }

    /** What a rule does to a packet; what changes or counts it only is {@link #GO_ON}. */
    enum Action {
        ACCEPT,
        DROP,
        RETURN,
        JUMP,
        GO_TO,
        GO_ON
    }

    Condition.Answer matches(Passage passage) {
        Condition.Answer all = Condition.Answer.YES;
        for (Condition condition : conditions) {
            Condition.Answer one = condition.ask(passage);
            if (one == Condition.Answer.NO) {
                return one;
            }
            all = one == Condition.Answer.MAYBE ? one : all;
        }
        return all;
    }
}

package io.flannelj.explain.filter;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One chain of a table.
 *
 * @param hook where packets enter it by themselves; null where only rules lead there
 * @param dropsAtEnd whether its policy is to drop
 * @param policyText the policy as people know it
 * @param policyRemedy command that makes the policy accept
 */
record Chain(
        String name,
        Passage.@Nullable Hook hook,
        boolean dropsAtEnd,
        String policyText,
        String policyRemedy,
        List<Rule> rules) {
    Chain {
        rules = List.copyOf(rules);
    }
}

package io.flannelj.explain;

import io.flannelj.explain.filter.Drop;
import io.flannelj.explain.filter.FilterRules;
import io.flannelj.explain.filter.Passage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the packet filter does to packets at the places that they pass. */
final class RulesCheck {
    private RulesCheck() {}

    /**
     * Judges by the first rule that drops one of the packets.
     *
     * @param what of the packets, human-readable
     */
    static Finding judge(String node, Hop hop, FilterRules rules, String what, List<Passage> passages) {
        List<String> possible = new ArrayList<>();
        for (Passage passage : passages) {
            Optional<Drop> drop = rules.drop(passage);
            if (drop.isPresent() && drop.get().isSure()) {
                return Finding.broken(
                        node,
                        hop,
                        (passage.first() ? what : "answers to " + what) + " are dropped in " + passage.hook() + ": "
                                + drop.get().text(),
                        drop.get().remedy());
            }
            drop.ifPresent(maybe -> possible.add(maybe.text()));
        }
        if (!rules.problem().isEmpty()) {
            return Finding.unknown(node, hop, "not all rules can be read: " + rules.problem());
        }
        return possible.isEmpty()
                ? Finding.ok(node, hop, "no rule drops " + what)
                : Finding.unknown(node, hop, "this rule may drop " + what + ": " + possible.get(0));
    }
}

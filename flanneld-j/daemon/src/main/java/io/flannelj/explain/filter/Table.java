package io.flannelj.explain.filter;

import io.flannelj.explain.filter.Condition.Answer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The chains of one table, and what they do to a packet. A rule that is not understood, or asks what is not known here, may
 * match and may not: what then follows is no more than possible.
 */
final class Table {
    private static final int DEEPEST = 32;

    private final Map<String, Chain> chains;

    Table(List<Chain> chains) {
        this.chains =
                chains.stream().collect(Collectors.toMap(Chain::name, Function.identity(), (first, second) -> first));
    }

    /** What drops a packet here, surely or possibly; empty when nothing does. */
    Optional<Drop> drop(Passage passage) {
        Walk walk = new Walk(passage);
        chains.values().stream().filter(chain -> chain.hook() == passage.hook()).forEach(walk::enter);
        return Optional.ofNullable(walk.sure == null ? walk.possible : walk.sure);
    }

    /** Where a packet is at the end of a chain. */
    private enum End {
        GOES_ON,
        RETURNED,
        MAY_HAVE_ENDED,
        ENDED
    }

    /** One packet's way through the chains. */
    private final class Walk {
        private final Passage passage;
        private @Nullable Drop sure;
        private @Nullable Drop possible;

        Walk(Passage passage) {
            this.passage = passage;
        }

        void enter(Chain base) {
            End end = walk(base, true, 0);
            if (base.dropsAtEnd() && end != End.ENDED) {
                drop(new Drop(base.policyText(), base.policyRemedy(), end == End.GOES_ON));
            }
        }

        /**
         * Follows the packet.
         *
         * @param comesHere whether it surely gets to this chain
         * @return {@link End#ENDED} where it surely gets no further, in this chain or any before it
         */
        private End walk(Chain chain, boolean comesHere, int depth) {
            boolean mayHaveEnded = false;
            for (Rule rule : chain.rules()) {
                Answer answer = rule.matches(passage);
                if (answer == Answer.NO) {
                    continue;
                }
                boolean matches = answer == Answer.YES;
                End end = carryOut(rule, comesHere && matches && !mayHaveEnded, depth);
                if (matches && end == End.ENDED) {
                    return End.ENDED;
                }
                if (matches && end == End.RETURNED) {
                    break;
                }
                mayHaveEnded |= end != End.GOES_ON;
            }
            return mayHaveEnded ? End.MAY_HAVE_ENDED : End.GOES_ON;
        }

        private End carryOut(Rule rule, boolean isSure, int depth) {
            return switch (rule.action()) {
                case GO_ON -> End.GOES_ON;
                case ACCEPT -> End.ENDED;
                case RETURN -> End.RETURNED;
                case DROP -> {
                    drop(new Drop(rule.text(), rule.removal(), isSure));
                    yield End.ENDED;
                }
                case JUMP, GO_TO -> {
                    Chain target = chains.get(rule.target());
                    End end = target == null || depth == DEEPEST ? End.MAY_HAVE_ENDED : walk(target, isSure, depth + 1);
                    yield end == End.GOES_ON && rule.action() == Rule.Action.GO_TO ? End.RETURNED : end;
                }
            };
        }

        private void drop(Drop drop) {
            if (drop.isSure()) {
                sure = sure == null ? drop : sure;
            } else {
                possible = possible == null ? drop : possible;
            }
        }
    }
}

package io.flannelj.firewall;

import io.flannelj.firewall.CatchAll.Rule.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The rule that decides over every packet that no earlier rule wants: the first one without a condition, also in chains that
 * are jumped to without one. Rules with a condition are passed by.
 */
final class CatchAll {
    private static final Pattern NFT_EFFECTLESS = Pattern.compile(
            "\\bcounter( packets \\d+ bytes \\d+)?|\\blog( (prefix \"[^\"]*\"|(level|flags|group|snaplen|queue-threshold) \\S+))*"
                    + "|\\bcomment \"[^\"]*\"");
    private static final Pattern NFT = Pattern.compile("(drop|reject|accept|return)( with .*)?|(jump|goto) (\\S+)");
    private static final Pattern IPTABLES = Pattern.compile(
            "-A (\\S+)(?: -m comment --comment (?:\"[^\"]*\"|\\S+))* -([jg]) (\\S+)( --reject-with \\S+)?");

    private CatchAll() {}

    /**
     * A rule without a condition.
     *
     * @param text as its program writes it
     * @param target the chain that is jumped to; empty for the other kinds
     */
    record Rule(String text, Kind kind, String target) {
        enum Kind {
            ACCEPT,
            DROP,
            RETURN,
            JUMP,
            GOTO
        }
    }

    /** Where the rules without a condition of a chain are, in their order. */
    interface Chains {
        List<Rule> rules(String chain) throws IOException;
    }

    /**
     * The rule that accepts or drops whatever comes to it.
     *
     * @return empty where a chain's policy, or its caller, decides
     */
    static Optional<Rule> of(String chain, Chains chains) throws IOException {
        return find(chain, chains, new HashSet<>());
    }

    private static Optional<Rule> find(String chain, Chains chains, Set<String> above) throws IOException {
        if (!above.add(chain)) {
            return Optional.empty(); // no packet filter takes a loop
        }
        try {
            for (Rule rule : chains.rules(chain)) {
                switch (rule.kind()) {
                    case ACCEPT, DROP -> {
                        return Optional.of(rule);
                    }
                    case RETURN -> {
                        return Optional.empty();
                    }
                    case GOTO -> {
                        return find(rule.target(), chains, above);
                    }
                    case JUMP -> {
                        Optional<Rule> found = find(rule.target(), chains, above);
                        if (found.isPresent()) {
                            return found;
                        }
                    }
                }
            }
            return Optional.empty();
        } finally {
            above.remove(chain);
        }
    }

    /** Of {@code nft list chain}. */
    static List<Rule> inNft(String listing) {
        List<Rule> rules = new ArrayList<>();
        for (String line : listing.lines().toList()) {
            Matcher rule =
                    NFT.matcher(NFT_EFFECTLESS.matcher(line).replaceAll("").strip());
            if (rule.matches()) {
                String word = rule.group(3) == null ? rule.group(1) : rule.group(3);
                Kind kind = switch (word) {
                    case "accept" -> Kind.ACCEPT;
                    case "return" -> Kind.RETURN;
                    case "jump" -> Kind.JUMP;
                    case "goto" -> Kind.GOTO;
                    default -> Kind.DROP;
                };
                rules.add(new Rule(line.strip(), kind, rule.group(4) == null ? "" : rule.group(4)));
            }
        }
        return rules;
    }

    /** Of {@code iptables-save}, by chain. */
    static Map<String, List<Rule>> inIptables(String saved) {
        Map<String, List<Rule>> rules = new HashMap<>();
        for (String line : saved.lines().toList()) {
            Matcher rule = IPTABLES.matcher(line);
            if (rule.matches()) {
                String target = rule.group(3);
                boolean leads = rule.group(2).equals("g");
                Kind kind = switch (target) {
                    case "ACCEPT" -> Kind.ACCEPT;
                    case "DROP", "REJECT" -> Kind.DROP;
                    case "RETURN" -> Kind.RETURN;
                    default -> leads ? Kind.GOTO : Kind.JUMP;
                };
                rules.computeIfAbsent(rule.group(1), chain -> new ArrayList<>()).add(new Rule(line, kind, target));
            }
        }
        return rules;
    }
}

package io.flannelj.explain.filter;

import io.flannelj.explain.filter.Passage.Hook;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads what iptables-save writes (iptables(8), iptables-extensions(8)). */
final class IptablesReader {
    private static final Pattern WORD = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\"|(\\S+)");
    private static final String REVERSE_PATH = "rpfilter";
    private static final Set<String> OF_REVERSE_PATH = Set.of("--invert", "--loose", "--validmark", "--accept-local");
    private static final char ANY_END = '+';

    /** Targets that let a packet go on (iptables-extensions(8)); every other name is a chain's. */
    private static final Set<String> EXTENSIONS = Set.of(
            "AUDIT",
            "CHECKSUM",
            "CLASSIFY",
            "CONNMARK",
            "CONNSECMARK",
            "CT",
            "DSCP",
            "ECN",
            "HL",
            "HMARK",
            "LED",
            "LOG",
            "MARK",
            "NFLOG",
            "NOTRACK",
            "SECMARK",
            "SET",
            "TCPMSS",
            "TCPOPTSTRIP",
            "TEE",
            "TOS",
            "TRACE",
            "TTL",
            "ULOG");

    private final String program;
    private final ReversePath routes;

    /**
     * @param program that changes these tables, e.g. {@code iptables-legacy}
     * @param routes of this host
     */
    IptablesReader(String program, ReversePath routes) {
        this.routes = routes;
        this.program = program;
    }

    /** Every table of a save, without those that translate addresses: they drop nothing. */
    List<Table> read(String saved) {
        List<Table> tables = new ArrayList<>();
        String table = "";
        Map<String, String> policies = new LinkedHashMap<>();
        Map<String, List<Rule>> rules = new LinkedHashMap<>();
        for (String line : saved.lines().toList()) {
            if (line.startsWith("*")) {
                table = line.substring(1).strip();
                policies.clear();
                rules.clear();
            } else if (line.startsWith(":")) {
                String[] words = line.substring(1).split(" ", 3);
                policies.put(words[0], words.length > 1 ? words[1] : "-");
            } else if (line.startsWith("-A ")) {
                List<String> words = words(line);
                rules.computeIfAbsent(words.get(1), name -> new ArrayList<>()).add(rule(table, line, words));
            } else if (line.equals("COMMIT") && !table.equals("nat")) {
                tables.add(table(table, policies, rules));
            }
        }
        return tables;
    }

    private Table table(String table, Map<String, String> policies, Map<String, List<Rule>> rules) {
        List<Chain> chains = new ArrayList<>();
        policies.forEach((chain, policy) -> chains.add(new Chain(
                chain,
                hook(chain),
                policy.equals("DROP"),
                program + ": policy DROP of " + chain + (table.equals("filter") ? "" : " in table " + table),
                program + in(table) + " -P " + chain + " ACCEPT",
                rules.getOrDefault(chain, List.of()))));
        return new Table(chains);
    }

    private static String in(String table) {
        return table.equals("filter") ? "" : " -t " + table;
    }

    private static @Nullable Hook hook(String chain) {
        for (Hook hook : Hook.values()) {
            if (hook.name().equals(chain)) {
                return hook;
            }
        }
        return null;
    }

    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(line);
        while (matcher.find()) {
            words.add(matcher.group(1) == null ? matcher.group(2) : matcher.group(1));
        }
        return words;
    }

    private Rule rule(String table, String line, List<String> words) {
        List<Condition> conditions = new ArrayList<>();
        Rule.Action action = Rule.Action.GO_ON;
        String target = "";
        boolean negated = false;
        boolean isReversePath = words.contains(REVERSE_PATH);
        for (int i = 2; i < words.size(); i++) {
            String word = words.get(i);
            String value = i + 1 < words.size() ? words.get(i + 1) : "";
            boolean takesValue = true;
            switch (word) {
                case "!" -> {
                    negated = true;
                    continue;
                }
                case "-s" -> conditions.add(Conditions.from(value).negatedIf(negated));
                case "-d" -> conditions.add(Conditions.to(value).negatedIf(negated));
                case "-i" -> conditions.add(Conditions.in(value, ANY_END).negatedIf(negated));
                case "-o" -> conditions.add(Conditions.out(value, ANY_END).negatedIf(negated));
                case "-p" -> conditions.add(Conditions.protocol(value).negatedIf(negated));
                case "--dport", "--dports" ->
                    conditions.add(Conditions.port(value, ':').negatedIf(negated));
                case "--icmp-type" ->
                    conditions.add(Conditions.icmpType(value, Passage.ICMP).negatedIf(negated));
                case "--icmpv6-type" ->
                    conditions.add(Conditions.icmpType(value, Passage.ICMPV6).negatedIf(negated));
                case "--state", "--ctstate" ->
                    conditions.add(Conditions.state(value).negatedIf(negated));
                case "--uid-owner" -> conditions.add(Conditions.user(value).negatedIf(negated));
                case "--dst-type" ->
                    conditions.add(
                            value.equals("LOCAL") ? Conditions.toThisHost().negatedIf(negated) : Condition.UNKNOWN);
                case "-m" -> {
                    if (value.equals(REVERSE_PATH)) {
                        conditions.add(reversePath(words));
                    }
                }
                case "--comment", "--reject-with" -> {} // they ask nothing by themselves
                case "-j", "-g" -> {
                    action = action(word, value);
                    target = value;
                    i = words.size(); // options of the target follow
                }
                default -> {
                    if (word.startsWith("-") && !(isReversePath && OF_REVERSE_PATH.contains(word))) {
                        conditions.add(Condition.UNKNOWN);
                    }
                    takesValue = false; // its value, if it has one, is passed over as a word of its own
                }
            }
            negated = false;
            if (takesValue) {
                i++;
            }
        }
        return new Rule(
                conditions,
                action,
                action == Rule.Action.JUMP || action == Rule.Action.GO_TO ? target : "",
                program + in(table) + " " + line,
                program + in(table) + " -D" + line.substring(2));
    }

    private Condition reversePath(List<String> words) {
        return words.contains("--loose")
                ? Condition.UNKNOWN
                : Conditions.answersLeave(routes).negatedIf(words.contains("--invert"));
    }

    private static Rule.Action action(String option, String target) {
        return switch (target) {
            case "ACCEPT" -> Rule.Action.ACCEPT;
            case "DROP", "REJECT" -> Rule.Action.DROP;
            case "RETURN" -> Rule.Action.RETURN;
            default ->
                target.equals(target.toUpperCase(Locale.ROOT)) && EXTENSIONS.contains(target)
                        ? Rule.Action.GO_ON
                        : option.equals("-g") ? Rule.Action.GO_TO : Rule.Action.JUMP;
        };
    }
}

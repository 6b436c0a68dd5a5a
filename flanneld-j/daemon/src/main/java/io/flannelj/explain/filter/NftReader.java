package io.flannelj.explain.filter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flannelj.explain.filter.Passage.Hook;
import io.flannelj.net.IpFamily;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Reads what {@code nft --json list ruleset} writes (libnftables-json(5)). */
final class NftReader {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> OF_IPTABLES = Set.of("raw", "mangle", "nat", "filter", "security");
    private static final char ANY_END = '*';

    private final String ofFamily;
    private final ReversePath routes;

    NftReader(IpFamily family, ReversePath routes) {
        this.routes = routes;
        this.ofFamily = family == IpFamily.IPV6 ? "ip6" : "ip";
    }

    /**
     * Every table that packets of the family pass.
     *
     * @param withIptables whether those that iptables made are read as well, of which nft shows little
     * @throws IllegalArgumentException when it is not what nft writes
     */
    List<Table> read(String json, boolean withIptables) {
        Map<String, List<JsonNode>> chains = new LinkedHashMap<>();
        Map<String, List<Rule>> rules = new LinkedHashMap<>();
        for (JsonNode entry : parse(json).path("nftables")) {
            JsonNode chain = entry.path("chain");
            JsonNode rule = entry.path("rule");
            JsonNode object = chain.isObject() ? chain : rule;
            if (!object.isObject() || !isOurs(object, withIptables)) {
                continue;
            }
            String table =
                    object.path("family").asText() + " " + object.path("table").asText();
            if (chain.isObject()) {
                chains.computeIfAbsent(table, name -> new ArrayList<>()).add(chain);
            } else {
                rules.computeIfAbsent(table + " " + rule.path("chain").asText(), name -> new ArrayList<>())
                        .add(rule(table, rule));
            }
        }
        List<Table> tables = new ArrayList<>();
        chains.forEach((table, its) -> tables.add(
                new Table(its.stream().map(chain -> chain(table, chain, rules)).toList())));
        return tables;
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("nft wrote no JSON: " + e.getOriginalMessage(), e);
        }
    }

    private boolean isOurs(JsonNode object, boolean withIptables) {
        String family = object.path("family").asText();
        String table = object.path("table").asText();
        boolean isFamily = family.equals("inet") || family.equals(ofFamily);
        boolean isIptables = !family.equals("inet") && OF_IPTABLES.contains(table);
        return isFamily && (withIptables || !isIptables);
    }

    private static Chain chain(String table, JsonNode chain, Map<String, List<Rule>> rules) {
        String name = chain.path("name").asText();
        boolean drops = chain.path("policy").asText().equals("drop");
        boolean filters = !chain.path("type").asText().equals("nat");
        return new Chain(
                name,
                filters ? hook(chain.path("hook").asText()) : null,
                drops,
                "nft: policy drop of chain " + name + " in table " + table,
                "nft add chain " + table + " " + name + " '{ policy accept ; }'",
                rules.getOrDefault(table + " " + name, List.of()));
    }

    private static @Nullable Hook hook(String text) {
        for (Hook hook : Hook.values()) {
            if (hook.name().toLowerCase(Locale.ROOT).equals(text)) {
                return hook;
            }
        }
        return null;
    }

    private Rule rule(String table, JsonNode rule) {
        List<Condition> conditions = new ArrayList<>();
        Rule.Action action = Rule.Action.GO_ON;
        String target = "";
        for (JsonNode expression : rule.path("expr")) {
            String kind =
                    expression.fieldNames().hasNext() ? expression.fieldNames().next() : "";
            JsonNode body = expression.path(kind);
            switch (kind) {
                case "match" -> conditions.add(match(body));
                case "accept" -> action = Rule.Action.ACCEPT;
                case "drop", "reject" -> action = Rule.Action.DROP;
                case "return" -> action = Rule.Action.RETURN;
                case "jump", "goto" -> {
                    action = kind.equals("jump") ? Rule.Action.JUMP : Rule.Action.GO_TO;
                    target = body.path("target").asText();
                }
                case "counter", "log", "mangle", "notrack", "flow", "queue", "ct helper" -> {}
                case "vmap" -> {
                    conditions.add(Condition.UNKNOWN);
                    action = Rule.Action.RETURN; // it may lead to anything
                }
                default -> conditions.add(Condition.UNKNOWN);
            }
        }
        String chain = rule.path("chain").asText();
        String comment = rule.path("comment").asText("");
        return new Rule(
                conditions,
                action,
                target,
                "nft: the rule with handle " + rule.path("handle").asText() + " of chain " + chain + " in table "
                        + table + (comment.isEmpty() ? "" : " (" + comment + ")"),
                "nft delete rule " + table + " " + chain + " handle "
                        + rule.path("handle").asText());
    }

    private Condition match(JsonNode match) {
        if (match.path("left").has("fib")) {
            return reversePath(match);
        }
        JsonNode left = match.path("left");
        JsonNode right = match.path("right");
        String operator = match.path("op").asText();
        if (!Set.of("==", "!=", "in").contains(operator)) {
            return Condition.UNKNOWN;
        }
        List<String> values = values(right);
        if (values.isEmpty()) {
            return Condition.UNKNOWN;
        }
        String field = left.path("payload").path("field").asText();
        String meta = left.path("meta").path("key").asText();
        Condition found;
        if (field.equals("saddr")) {
            found = any(values.stream().map(Conditions::from));
        } else if (field.equals("daddr")) {
            found = any(values.stream().map(Conditions::to));
        } else if (field.equals("dport")) {
            String protocol = left.path("payload").path("protocol").asText();
            Condition port = any(values.stream().map(value -> Conditions.port(value, '-')));
            found = protocol.equals("th") ? port : both(Conditions.protocol(protocol), port);
        } else if (field.equals("type") && icmp(left) > 0) {
            found = any(values.stream().map(value -> Conditions.icmpType(value, icmp(left))));
        } else if (field.equals("protocol") || field.equals("nexthdr") || meta.equals("l4proto")) {
            found = any(values.stream().map(Conditions::protocol));
        } else if (meta.equals("iifname") || meta.equals("iif")) {
            found = any(values.stream().map(value -> Conditions.in(value, ANY_END)));
        } else if (meta.equals("oifname") || meta.equals("oif")) {
            found = any(values.stream().map(value -> Conditions.out(value, ANY_END)));
        } else if (meta.equals("skuid")) {
            found = any(values.stream().map(Conditions::user));
        } else if (left.path("ct").path("key").asText().equals("state")) {
            found = Conditions.state(String.join(",", values));
        } else {
            return Condition.UNKNOWN;
        }
        return found.negatedIf(operator.equals("!="));
    }

    /** Number of the kind of ICMP that a payload is of; 0 of no kind. */
    private static int icmp(JsonNode left) {
        return switch (left.path("payload").path("protocol").asText()) {
            case "icmp" -> Passage.ICMP;
            case "icmpv6" -> Passage.ICMPV6;
            default -> 0;
        };
    }

    /** {@code fib saddr . iif oif missing}: answers leave elsewhere, or nowhere. */
    private Condition reversePath(JsonNode match) {
        JsonNode fib = match.path("left").path("fib");
        Set<String> flags = StreamSupport.stream(fib.path("flags").spliterator(), false)
                .map(JsonNode::asText)
                .collect(Collectors.toSet());
        JsonNode right = match.path("right");
        boolean isZero = right.isBoolean() ? !right.asBoolean() : right.isInt() && right.asInt() == 0;
        if (!fib.path("result").asText().equals("oif")
                || !flags.equals(Set.of("saddr", "iif"))
                || !right.isValueNode()
                || !(isZero || right.isBoolean())) {
            return Condition.UNKNOWN;
        }
        return Conditions.answersLeave(routes)
                .negatedIf(isZero == match.path("op").asText().equals("=="));
    }

    /** What is compared with; none where that is not written out, as of a named set. */
    private static List<String> values(JsonNode right) {
        if (right.isArray()) {
            return all(right);
        }
        if (right.has("set")) {
            return all(right.path("set"));
        }
        String text = text(right);
        return text.isEmpty() || text.startsWith("@") ? List.of() : List.of(text);
    }

    private static List<String> all(JsonNode array) {
        List<String> values = StreamSupport.stream(array.spliterator(), false)
                .map(NftReader::text)
                .collect(Collectors.toList());
        return values.contains("") ? List.of() : values;
    }

    private static String text(JsonNode value) {
        if (value.has("prefix")) {
            return value.path("prefix").path("addr").asText() + "/"
                    + value.path("prefix").path("len").asText();
        }
        JsonNode range = value.path("range");
        if (range.isArray() && range.path(0).isIntegralNumber()) {
            return range.path(0).asText() + "-" + range.path(1).asText();
        }
        return value.isValueNode() ? value.asText() : "";
    }

    private static Condition any(Stream<Condition> conditions) {
        List<Condition> all = conditions.toList();
        return passage -> {
            Condition.Answer any = Condition.Answer.NO;
            for (Condition condition : all) {
                Condition.Answer one = condition.ask(passage);
                if (one == Condition.Answer.YES) {
                    return one;
                }
                any = one == Condition.Answer.MAYBE ? one : any;
            }
            return any;
        };
    }

    private static Condition both(Condition first, Condition second) {
        return passage -> {
            Condition.Answer one = first.ask(passage);
            return one == Condition.Answer.NO ? one : one == Condition.Answer.YES ? second.ask(passage) : one;
        };
    }
}

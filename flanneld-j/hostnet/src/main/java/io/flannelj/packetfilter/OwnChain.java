package io.flannelj.packetfilter;

import java.util.List;
import java.util.stream.Stream;

/**
 * A chain of iptables that belongs to one owner, and the rules of built-in chains that lead there.
 *
 * <p>Rules outside that bear the owner's comment, or jump to the chain, and are not wanted are of an earlier start, and go.
 *
 * @param table that it is in
 * @param name of the chain
 * @param comment that the owner's rules bear, as iptables-save writes it; empty when the chain's name alone marks them
 * @param jumps the rules that lead there, as iptables-save writes them
 * @param rules of the chain, without {@code -A name}, as iptables-save writes them; none when the chain shall not be there
 */
public record OwnChain(String table, String name, String comment, List<String> jumps, List<String> rules) {
    public OwnChain {
        jumps = List.copyOf(jumps);
        rules = List.copyOf(rules);
    }

    /** Whether any of the rules has a piece of text. */
    public boolean mentions(String text) {
        return Stream.concat(jumps.stream(), rules.stream()).anyMatch(rule -> rule.contains(text));
    }

    /** The same without the rules that have a piece of text. */
    public OwnChain without(String text) {
        return new OwnChain(
                table,
                name,
                comment,
                jumps.stream().filter(rule -> !rule.contains(text)).toList(),
                rules.stream().filter(rule -> !rule.contains(text)).toList());
    }

    /** The script that makes the chain what it shall be; empty when it is. */
    public String difference(List<String> saved) {
        if (rules.isEmpty()) {
            return removal(saved);
        }
        return isAsWanted(saved) ? "" : replacement(saved);
    }

    /** The script that takes away the chain and what leads there; empty when nothing is there. */
    public String removal(List<String> saved) {
        return Xtables.removal(table, saved, this::isOurs);
    }

    /** Whether a line of the table is the chain, one of its rules, or a rule that leads there. */
    public boolean isOurs(String line) {
        return line.startsWith(":" + name + " ")
                || isInside(line)
                || (line.startsWith("-A ")
                        && (line.endsWith(" -j " + name) || (!comment.isEmpty() && line.contains(comment))));
    }

    private boolean isInside(String line) {
        return line.startsWith("-A " + name + " ");
    }

    private List<String> leadingThere(List<String> saved) {
        return saved.stream()
                .filter(line -> isOurs(line) && line.startsWith("-A ") && !isInside(line))
                .toList();
    }

    private boolean isAsWanted(List<String> saved) {
        String prefix = "-A " + name + " ";
        List<String> present = saved.stream()
                .filter(this::isInside)
                .map(line -> line.substring(prefix.length()))
                .toList();
        List<String> leading = leadingThere(saved);
        return present.equals(rules) && leading.size() == jumps.size() && leading.containsAll(jumps);
    }

    /** Declaring a chain empties it, so its rules are written whole; a jump that is there keeps its place. */
    private String replacement(List<String> saved) {
        StringBuilder script = new StringBuilder("*" + table + "\n:" + name + " - [0:0]\n");
        List<String> leading = leadingThere(saved);
        for (int i = 0; i < leading.size(); i++) {
            String line = leading.get(i);
            if (!jumps.contains(line) || leading.subList(0, i).contains(line)) {
                Xtables.deletion(script, line);
            }
        }
        for (String jump : jumps) {
            if (!leading.contains(jump)) {
                script.append(jump).append('\n');
            }
        }
        rules.forEach(rule ->
                script.append("-A ").append(name).append(' ').append(rule).append('\n'));
        return script.append("COMMIT\n").toString();
    }
}

package io.flannelj.explain.filter;

import io.flannelj.explain.filter.Condition.Answer;
import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** What rules ask, as far as it is understood. */
final class Conditions {
    /** Names of nft's (nft(8), ICMP TYPE TYPE and ICMPV6 TYPE TYPE). */
    private static final Map<String, Integer> ICMP_TYPES = Map.ofEntries(
            Map.entry("echo-reply", 0),
            Map.entry("destination-unreachable", 3),
            Map.entry("source-quench", 4),
            Map.entry("redirect", 5),
            Map.entry("echo-request", 8),
            Map.entry("router-advertisement", 9),
            Map.entry("router-solicitation", 10),
            Map.entry("time-exceeded", 11),
            Map.entry("parameter-problem", 12),
            Map.entry("timestamp-request", 13),
            Map.entry("timestamp-reply", 14),
            Map.entry("info-request", 15),
            Map.entry("info-reply", 16),
            Map.entry("address-mask-request", 17),
            Map.entry("address-mask-reply", 18));

    private static final Map<String, Integer> ICMPV6_TYPES = Map.ofEntries(
            Map.entry("destination-unreachable", 1),
            Map.entry("packet-too-big", 2),
            Map.entry("time-exceeded", 3),
            Map.entry("parameter-problem", 4),
            Map.entry("echo-request", 128),
            Map.entry("echo-reply", 129),
            Map.entry("mld-listener-query", 130),
            Map.entry("mld-listener-report", 131),
            Map.entry("mld-listener-done", 132),
            Map.entry("mld-listener-reduction", 132),
            Map.entry("nd-router-solicit", 133),
            Map.entry("nd-router-advert", 134),
            Map.entry("nd-neighbor-solicit", 135),
            Map.entry("nd-neighbor-advert", 136),
            Map.entry("nd-redirect", 137),
            Map.entry("router-renumbering", 138),
            Map.entry("ind-neighbor-solicit", 141),
            Map.entry("ind-neighbor-advert", 142),
            Map.entry("mld2-listener-report", 143));

    private Conditions() {}

    static Condition from(String network) {
        return in(network, Passage::from);
    }

    static Condition to(String network) {
        return in(network, Passage::to);
    }

    private static Condition in(String network, Function<Passage, IpAddress> address) {
        Optional<Cidr> wanted = Cidr.tryParse(network.indexOf('/') < 0 ? network + hostLength(network) : network);
        return wanted.isEmpty()
                ? Condition.UNKNOWN
                : passage -> Answer.of(wanted.get().contains(address.apply(passage)));
    }

    private static String hostLength(String address) {
        return address.indexOf(':') < 0 ? "/32" : "/128";
    }

    /**
     * An interface that the packet came by.
     *
     * @param pattern a name, or the beginning of one with {@code end} behind it
     */
    static Condition in(String pattern, char end) {
        return passage -> name(passage.in(), pattern, end);
    }

    /** An interface that the packet leaves by; not known before it is routed. */
    static Condition out(String pattern, char end) {
        return passage -> passage.out().isEmpty() && passage.hook() != Passage.Hook.INPUT
                ? Answer.MAYBE
                : name(passage.out(), pattern, end);
    }

    private static Answer name(String name, String pattern, char end) {
        return Answer.of(
                !pattern.isEmpty() && pattern.charAt(pattern.length() - 1) == end
                        ? name.startsWith(pattern.substring(0, pattern.length() - 1))
                        : name.equals(pattern));
    }

    /** An IP protocol by name or number. */
    static Condition protocol(String text) {
        Optional<Integer> wanted = switch (text) {
            case "icmp" -> Optional.of(Passage.ICMP);
            case "tcp" -> Optional.of(Passage.TCP);
            case "udp" -> Optional.of(Passage.UDP);
            case "ipencap", "ipip" -> Optional.of(4);
            case "igmp" -> Optional.of(2);
            case "sctp" -> Optional.of(132);
            case "esp" -> Optional.of(50);
            case "all" -> Optional.of(0);
            case "ipv6-icmp", "icmpv6" -> Optional.of(Passage.ICMPV6);
            default -> number(text);
        };
        return wanted.isEmpty()
                ? Condition.UNKNOWN
                : passage -> Answer.of(wanted.get() == 0 || wanted.get() == passage.protocol());
    }

    /**
     * A type of ICMP: a name as nft has it, a number, a range, or {@code type/code} as iptables has it. Packets asked about are
     * echo requests and the answers to them, whose code is 0.
     *
     * @param protocol number of ICMP's or ICMPv6's
     */
    static Condition icmpType(String text, int protocol) {
        String[] typeAndCode = text.split("/", 2);
        String[] range = typeAndCode[0].split("-(?=\\d)", 2);
        Optional<Integer> first = icmpNumber(range[0], protocol);
        Optional<Integer> last = icmpNumber(range[range.length - 1], protocol);
        Optional<Integer> code = typeAndCode.length < 2 ? Optional.of(0) : number(typeAndCode[1]);
        if (typeAndCode[0].equals("any")) {
            return passage -> Answer.of(passage.protocol() == protocol);
        }
        if (first.isEmpty() || last.isEmpty() || code.isEmpty()) {
            return passage -> passage.protocol() == protocol ? Answer.MAYBE : Answer.NO;
        }
        return passage -> Answer.of(passage.protocol() == protocol
                && first.get() <= passage.icmpType()
                && passage.icmpType() <= last.get()
                && code.get() == 0);
    }

    private static Optional<Integer> icmpNumber(String text, int protocol) {
        Integer named = (protocol == Passage.ICMP ? ICMP_TYPES : ICMPV6_TYPES).get(text);
        return named == null ? number(text) : Optional.of(named);
    }

    private static Optional<Integer> number(String text) {
        return text.chars().allMatch(Character::isDigit) && !text.isEmpty() && text.length() < 6
                ? Optional.of(Integer.valueOf(text))
                : Optional.empty();
    }

    /**
     * A destination port, a range of them, or several with commas between.
     *
     * @param range what stands between the ends of a range
     */
    static Condition port(String text, char range) {
        return passage -> {
            if (passage.port() == 0) {
                return Answer.MAYBE;
            }
            Answer any = Answer.NO;
            for (String part : text.split(",", -1)) {
                int split = part.indexOf(range);
                Optional<Integer> first = number(split < 0 ? part : part.substring(0, split));
                Optional<Integer> last = number(split < 0 ? part : part.substring(split + 1));
                if (first.isEmpty() || last.isEmpty()) {
                    return Answer.MAYBE;
                }
                if (first.get() <= passage.port() && passage.port() <= last.get()) {
                    any = Answer.YES;
                }
            }
            return any;
        };
    }

    /** States of connection tracking, with commas between. */
    static Condition state(String text) {
        String states = "," + text.toUpperCase(Locale.ROOT) + ",";
        return passage -> states.contains(passage.first() ? ",NEW," : ",ESTABLISHED,")
                ? Answer.YES
                : states.contains(",UNTRACKED,") ? Answer.MAYBE : Answer.NO;
    }

    /**
     * The user that sent it, by number or a range of numbers. What is asked about is sent by root, as tunnel packets are; what
     * this host only forwards is sent by nobody here.
     */
    static Condition user(String range) {
        String first = range.substring(0, range.indexOf('-') < 0 ? range.length() : range.indexOf('-'));
        return !first.matches("\\d+")
                ? Condition.UNKNOWN
                : passage -> Answer.of(passage.in().isEmpty() && first.matches("0+"));
    }

    /** Whether answers leave by the interface that the packet came by. */
    static Condition answersLeave(ReversePath routes) {
        return passage ->
                passage.in().isEmpty() ? Answer.MAYBE : Answer.of(routes.leadsBack(passage.from(), passage.in()));
    }

    /** Whether the destination is an address of this host. */
    static Condition toThisHost() {
        return passage -> passage.hook() == Passage.Hook.PREROUTING
                ? Answer.MAYBE
                : Answer.of(passage.hook() == Passage.Hook.INPUT);
    }
}

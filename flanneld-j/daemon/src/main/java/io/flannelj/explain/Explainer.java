package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Puts a way together: this node's half, the other node's as that node answers, and what is between, all asked at once. */
public final class Explainer {
    private final Host host;

    public Explainer(Host host) {
        this.host = host;
    }

    /**
     * Explains.
     *
     * @throws IOException when this host cannot be looked at
     */
    public Explanation explain(Question question, Budget budget) throws IOException {
        Target from = Target.of(host, question.from());
        Target to = Target.of(host, question.to());
        Optional<OtherHalf> departure = begin(from, question, Query.What.DEPARTURE, budget);
        Optional<OtherHalf> arrival = begin(to, question, Query.What.ARRIVAL, budget);
        List<Finding> own =
                to.isHere() && departure.isPresent() ? Halves.arrival(host, question, Halves.Role.ASKS) : List.of();
        List<Finding> findings = new ArrayList<>(
                departure.isPresent()
                        ? departure.get().findings(List.of(), own)
                        : Halves.departure(host, question, Halves.Role.ASKS));
        if (arrival.isPresent()) {
            findings.addAll(arrival.get().findings(findings, List.of()));
        } else {
            findings.addAll(departure.isPresent() ? own : Halves.arrival(host, question, Halves.Role.ASKS));
        }
        return new Explanation(question.from().toString(), question.to().toString(), host.node(), packetLast(findings));
    }

    /** Asks the node that has an end; empty where that is this one. */
    private Optional<OtherHalf> begin(Target end, Question question, Query.What what, Budget budget) {
        return end.isHere() ? Optional.empty() : Optional.of(OtherHalf.begin(host, end, question, what, budget));
    }

    /** The packet of our own went the whole way. */
    private static List<Finding> packetLast(List<Finding> findings) {
        return Stream.concat(
                        findings.stream().filter(finding -> finding.hop() != Hop.PACKET),
                        findings.stream().filter(finding -> finding.hop() == Hop.PACKET))
                .toList();
    }

    /**
     * The addresses that somebody means by a text: an address, a pod of this node, or a pod of another node, all of which are
     * asked.
     *
     * @return none when it is not known here, nor to any node that answered
     */
    public List<IpAddress> resolve(String text) {
        try {
            return List.of(IpAddress.parse(text));
        } catch (IllegalArgumentException e) {
            List<IpAddress> own = pods(host, text);
            return own.isEmpty() ? PeerPods.find(host.daemon(), text) : own;
        }
    }

    /** The addresses of this node's pods of a name. */
    static List<IpAddress> pods(Host host, String name) {
        return host.pods().stream()
                .filter(pod -> pod.isCalled(name))
                .flatMap(pod -> pod.addresses().stream())
                .toList();
    }
}

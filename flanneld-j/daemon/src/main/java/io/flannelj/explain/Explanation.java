package io.flannelj.explain;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What is known of a way.
 *
 * @param from the sender, human-readable
 * @param to the receiver
 * @param here this node
 * @param findings in the order of the way
 */
public record Explanation(String from, String to, String here, List<Finding> findings) {
    private static final Set<Hop> BETWEEN =
            EnumSet.of(Hop.UNDERLAY, Hop.PEER, Hop.PATH_MTU, Hop.SEGMENTATION, Hop.CHECKSUM);

    public Explanation {
        findings = List.copyOf(findings);
    }

    /** The first broken link; empty when none is known to be. */
    public Optional<Finding> broken() {
        return findings.stream().filter(Finding::isBroken).findFirst();
    }

    /** The first link by which packets pass, but not as they should; empty when there is none. */
    public Optional<Finding> limited() {
        return findings.stream()
                .filter(finding -> finding.verdict() == Verdict.LIMITED)
                .findFirst();
    }

    /** What an operator mends first: the first broken link, or else the first limited one; empty when there is neither. */
    public Optional<Finding> first() {
        return broken().or(this::limited);
    }

    /** The line that says how to mend a link, and where. */
    public String remedyLine(Finding finding) {
        return "remedy" + (finding.node().equals(here) ? "" : ", on " + finding.node()) + ":  " + finding.remedy();
    }

    /** Where the first broken link is, as the exit status tells it. */
    public Outcome outcome() {
        Optional<Finding> broken = broken();
        if (broken.isPresent()) {
            boolean isHere = broken.get().node().equals(here);
            return BETWEEN.contains(broken.get().hop())
                    ? Outcome.BROKEN_BETWEEN
                    : isHere ? Outcome.BROKEN_HERE : Outcome.BROKEN_THERE;
        }
        if (limited().isPresent()) {
            return Outcome.LIMITED;
        }
        return findings.stream().anyMatch(finding -> finding.verdict() == Verdict.UNKNOWN)
                ? Outcome.NOT_ALL_KNOWN
                : Outcome.HEALTHY;
    }

    /** What came out, with the exit status that stands for it. */
    public enum Outcome {
        HEALTHY(0),
        NOT_ALL_KNOWN(4),
        LIMITED(5),
        BROKEN_HERE(10),
        BROKEN_BETWEEN(11),
        BROKEN_THERE(12);

        private final int exitStatus;

        Outcome(int exitStatus) {
            this.exitStatus = exitStatus;
        }

        /** As JSON has it. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        public int exitStatus() {
            return exitStatus;
        }
    }
}

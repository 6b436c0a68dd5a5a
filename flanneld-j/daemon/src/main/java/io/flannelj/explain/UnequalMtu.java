package io.flannelj.explain;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Two nodes of which one takes less than the other: large packets to it are lost, and the node that sends them cannot tell that
 * from a narrow link on the way. Nobody can: the smaller one's uplink may be wrong, or the only one that is right so far. What
 * mends both is to make the larger one smaller; the other node is named beside it. Pure.
 */
final class UnequalMtu {
    private static final Pattern INTERFACE = Pattern.compile("[A-Za-z0-9_.@:-]{1,15}"); // another node says it

    private UnequalMtu() {}

    /**
     * One of the nodes.
     *
     * @param uplink its interface to the other one; empty where it is not known
     * @param mtuBytes MTU of its pods; 0 where it is not known
     */
    record End(String node, String uplink, int mtuBytes) {
        private boolean isSmallerThan(End other) {
            return mtuBytes > 0 && mtuBytes < other.mtuBytes();
        }
    }

    /** Findings of both nodes, in which what the larger one says of the path's size names the smaller one, too. */
    static List<Finding> judge(List<Finding> findings, End here, End there) {
        boolean isHere = here.isSmallerThan(there);
        if (!isHere && !there.isSmallerThan(here)) {
            return findings;
        }
        End smaller = isHere ? here : there;
        End larger = isHere ? there : here;
        boolean isNarrowBetween = findings.stream()
                .anyMatch(finding -> isLoss(finding) && finding.node().equals(smaller.node()));
        if (isNarrowBetween) {
            return findings; // and narrower than both
        }
        String smallUplink = INTERFACE.matcher(smaller.uplink()).matches() ? " " + smaller.uplink() : "";
        List<Finding> judged = new ArrayList<>(findings);
        judged.replaceAll(finding -> isLoss(finding) && finding.node().equals(larger.node())
                ? new Finding(
                        finding.verdict(),
                        finding.node(),
                        finding.hop(),
                        finding.evidence() + "; pods of " + smaller.node() + " may send " + smaller.mtuBytes()
                                + ": if the links between take more, raise the MTU of the uplink" + smallUplink
                                + " there instead",
                        finding.remedy())
                : finding);
        return judged;
    }

    private static boolean isLoss(Finding finding) {
        return finding.hop() == Hop.PATH_MTU
                && (finding.verdict() == Verdict.BROKEN || finding.verdict() == Verdict.LIMITED);
    }
}

package io.flannelj.explain;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Two nodes of which one takes less than the other: large packets to it are lost, and the node that sends them cannot tell that
 * from a narrow link on the way. With what both say of themselves it is the smaller one's fault. Pure.
 */
final class UnequalMtu {
    private static final Pattern INTERFACE = Pattern.compile("[A-Za-z0-9_.@:-]{1,15}"); // another node says it

    private UnequalMtu() {}

    /**
     * One of the nodes.
     *
     * @param uplink its interface to the other one; empty where it is not known
     * @param mtuBytes MTU of its pods
     */
    record End(String node, String uplink, int mtuBytes) {
        private boolean isSmallerThan(End other) {
            return mtuBytes > 0 && mtuBytes < other.mtuBytes();
        }
    }

    /**
     * Findings of both nodes, in which what the larger one says of the path's size is said of the smaller one.
     *
     * @param uplinkMtuBytes MTU of {@code here}'s uplink; 0 where it is not known
     * @param command what explains more on the smaller one, where its interface is not known
     */
    static List<Finding> judge(List<Finding> findings, End here, End there, int uplinkMtuBytes, String command) {
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
        int wanted = uplinkMtuBytes + Math.max(0, there.mtuBytes() - here.mtuBytes());
        List<Finding> judged = new ArrayList<>(findings);
        judged.replaceAll(finding -> isLoss(finding) && finding.node().equals(larger.node())
                ? new Finding(
                        finding.verdict(),
                        smaller.node(),
                        Hop.PATH_MTU,
                        "its pods may send " + smaller.mtuBytes() + " bytes, those of " + larger.node() + " "
                                + larger.mtuBytes() + ", and longer packets from there are lost: its uplink"
                                + (isKnown(smaller) ? " " + smaller.uplink() : "") + " has a smaller MTU",
                        isKnown(smaller) && uplinkMtuBytes > 0
                                ? "ip link set dev " + smaller.uplink() + " mtu " + wanted
                                : command)
                : finding);
        return judged;
    }

    private static boolean isLoss(Finding finding) {
        return finding.hop() == Hop.PATH_MTU
                && (finding.verdict() == Verdict.BROKEN || finding.verdict() == Verdict.LIMITED);
    }

    private static boolean isKnown(End end) {
        return INTERFACE.matcher(end.uplink()).matches();
    }
}

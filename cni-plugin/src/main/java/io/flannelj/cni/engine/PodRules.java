package io.flannelj.cni.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * The packet filter's rules of all wired pods: host ports, masquerading, the guard against other MAC addresses. A reload of
 * firewalld, or an operator's flush, removes them, and no runtime makes them again while a pod lives.
 */
@SuppressWarnings("try") // a lock is held, not used
final class PodRules {
    private final StateFiles state;

    PodRules(Path stateDirectory) {
        this.state = new StateFiles(stateDirectory);
    }

    /**
     * Restores what is missing.
     *
     * @return pods whose rules were incomplete
     */
    int restore() throws IOException {
        RuleListing listing = new RuleListing();
        int restored = 0;
        try (NetlinkSocket node = NetlinkSocket.open()) {
            Map<String, Link> links = null;
            for (Attachment attachment : state.list()) {
                ObjectNode kept = state.readOwn(attachment).orElse(null);
                if (kept == null || !kept.has(Delegation.RESULT)) {
                    continue;
                }
                links = links == null ? new Links(node).withAlias("") : links;
                try {
                    WiredPod pod = WiredPod.of(attachment, kept);
                    if (links.containsKey(pod.alias())
                            && !pod.hasAllRules(listing)
                            && restoreLocked(attachment, kept)) {
                        restored++;
                    }
                } catch (CniException e) {
                    throw new IOException("the rules of " + attachment.containerId() + " cannot be restored", e);
                }
            }
        }
        return restored;
    }

    /** Unless a DEL or another ADD was faster. */
    private boolean restoreLocked(Attachment attachment, ObjectNode seen) throws IOException, CniException {
        try (AttachmentLock lock = state.lock(attachment)) {
            if (!state.readOwn(attachment).filter(seen::equals).isPresent()) {
                return false;
            }
            WiredPod.of(attachment, seen).restoreRules();
            return true;
        }
    }
}

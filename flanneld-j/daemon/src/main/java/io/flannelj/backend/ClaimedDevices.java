package io.flannelj.backend;

import io.flannelj.netlink.Link;
import io.flannelj.netlink.Links;
import io.flannelj.netlink.NetlinkSocket;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Devices that outlive the daemon bear a note (their alias), so that a later run, or somebody who cleans up, can tell them
 * from flannel's, which have the same names.
 */
public final class ClaimedDevices {
    private static final Logger log = LoggerFactory.getLogger(ClaimedDevices.class);
    private static final String ALIAS = "flanneld-j";

    private final Links links;

    public ClaimedDevices(Links links) {
        this.links = links;
    }

    public void claim(int index) throws IOException {
        links.setAlias(index, ALIAS);
    }

    /** All of them; pods' interfaces are the plugin's, and bear other notes. */
    public List<Link> list() throws IOException {
        List<Link> claimed = new ArrayList<>();
        for (Link link : links.list()) {
            if (links.withAlias(ALIAS, link.name()).isPresent()) {
                claimed.add(link);
            }
        }
        return claimed;
    }

    /**
     * Takes away the device by which the kernel carried in an earlier run, for it would hold the name. flannel's own
     * is left alone, and stands in the way.
     *
     * @param kind such as {@code vxlan}
     */
    public static void makeWay(String device, String kind) throws IOException {
        try (NetlinkSocket netlink = NetlinkSocket.open()) {
            if (new ClaimedDevices(new Links(netlink)).remove(device, kind)) {
                log.info("took away {}, by which the kernel carried until now", device);
            }
        }
    }

    /**
     * Takes away a tunnel device of the kernel's.
     *
     * @param kind such as {@code vxlan}
     * @return whether there was one; a device that nobody claimed is left alone
     */
    public boolean remove(String device, String kind) throws IOException {
        Link claimed = links.withAlias(ALIAS, device).orElse(null);
        if (claimed == null || !claimed.kind().equals(kind)) {
            return false;
        }
        links.delete(claimed.index());
        return true;
    }
}

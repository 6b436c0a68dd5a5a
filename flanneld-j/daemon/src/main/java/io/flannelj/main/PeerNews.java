package io.flannelj.main;

import io.flannelj.lease.Lease;
import io.flannelj.lease.PodSubnets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which peers came, went or moved, in words for the log. */
final class PeerNews {
    /** More at once are counted, not listed: a store that comes back brings thousands. */
    private static final int MOST_LINES = 8;

    private PeerNews() {}

    /** One line for each change, or one that counts them. */
    static List<String> between(Collection<Lease> before, Collection<Lease> after) {
        Map<PodSubnets, String> gone = addresses(before);
        Map<PodSubnets, String> now = addresses(after);
        List<String> lines = new ArrayList<>();
        int came = 0;
        for (Map.Entry<PodSubnets, String> peer : now.entrySet()) {
            String former = gone.remove(peer.getKey());
            if (former == null) {
                came++;
                lines.add("peer " + peer.getKey() + " at " + peer.getValue() + " joined");
            } else if (!former.equals(peer.getValue())) {
                lines.add("peer " + peer.getKey() + " is at " + peer.getValue() + " now, was at " + former);
            }
        }
        int moved = lines.size() - came;
        gone.forEach((subnets, address) -> lines.add("peer " + subnets + " at " + address + " left"));
        return lines.size() <= MOST_LINES
                ? lines
                : List.of("%d peers joined, %d left, %d have another address; %d are known now"
                        .formatted(came, gone.size(), moved, now.size()));
    }

    private static Map<PodSubnets, String> addresses(Collection<Lease> leases) {
        Map<PodSubnets, String> addresses = new LinkedHashMap<>();
        leases.forEach(lease ->
                addresses.put(lease.subnets(), String.valueOf(lease.attributes().publicAddress())));
        return addresses;
    }
}

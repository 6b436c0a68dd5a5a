package io.flannelj.recorder;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What leads from facts to later ones, and back again from changes to facts. */
final class Changes {
    private Changes() {}

    /** What leads from one moment to a later one of the same run. */
    static List<Change> between(Facts before, Facts after) {
        List<Change> changes = new ArrayList<>();
        if (!before.network().equals(after.network())) {
            changes.add(new Change.Network(after.network()));
        }
        if (!before.own().equals(after.own())) {
            changes.add(new Change.Lease(after.own()));
        }
        before.peers().keySet().stream()
                .filter(key -> !after.peers().containsKey(key))
                .forEach(key -> changes.add(new Change.PeerGone(key)));
        after.peers().forEach((key, peer) -> {
            if (!peer.equals(before.peers().get(key))) {
                changes.add(new Change.PeerIs(key, peer));
            }
        });
        if (!before.trouble().equals(after.trouble())) {
            changes.add(new Change.Trouble(after.trouble()));
        }
        return changes;
    }

    /** All that is needed to know these facts without any before them. */
    static List<Change> whole(Facts facts) {
        List<Change> changes = new ArrayList<>();
        changes.add(new Change.Started(facts.version()));
        changes.addAll(between(new Facts(facts.version(), "", Facts.NONE.own(), Facts.NONE.peers(), ""), facts));
        return changes;
    }

    /** Facts after changes, in order. */
    static Facts applied(Facts begin, Iterable<Change> changes) {
        String ran = begin.version();
        String config = begin.network();
        Facts.Own lease = begin.own();
        String wrong = begin.trouble();
        SortedMap<String, Facts.Peer> others = new TreeMap<>(begin.peers());
        for (Change change : changes) {
            if (change instanceof Change.Started started) {
                ran = started.version();
                config = "";
                lease = Facts.NONE.own();
                wrong = "";
                others.clear();
            } else if (change instanceof Change.Stopped) {
                ran = "";
            } else if (change instanceof Change.Network now) {
                config = now.text();
            } else if (change instanceof Change.Lease now) {
                lease = now.own();
            } else if (change instanceof Change.Trouble now) {
                wrong = now.text();
            } else if (change instanceof Change.PeerIs is) {
                others.put(is.key(), is.peer());
            } else if (change instanceof Change.PeerGone gone) {
                others.remove(gone.key());
            }
        }
        return new Facts(ran, config, lease, others, wrong);
    }
}

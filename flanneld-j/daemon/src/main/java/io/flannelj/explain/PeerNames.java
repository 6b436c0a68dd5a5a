package io.flannelj.explain;

import io.flannelj.net.IpAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Names of other nodes' pods, as those nodes tell them. Nobody waits for an answer: until it is there an address has no name. What
 * is known is asked for again after a while.
 */
final class PeerNames {
    /** Addresses in one query. */
    static final int AT_ONCE = 64;

    private static final long KNOWN_NANOS = 30_000_000_000L;

    private final BlockingQueue<IpAddress> wanted = new LinkedBlockingQueue<>(1024);
    private final Map<IpAddress, Known> known = new ConcurrentHashMap<>();
    private volatile DaemonFacts daemon;

    /** @param name empty where that node knows none, or does not answer */
    private record Known(String name, long atNanos) {}

    PeerNames(DaemonFacts daemon) {
        this.daemon = daemon;
        Thread thread = new Thread(this::run, "names");
        thread.setDaemon(true);
        thread.start();
    }

    /** Takes news of the other nodes. */
    void update(DaemonFacts now) {
        daemon = now;
    }

    /** The name, if it is known by now; asks for it where it is not, or was long ago. */
    @Nullable
    String of(IpAddress address) {
        Known found = known.get(address);
        if (found == null || System.nanoTime() - found.atNanos > KNOWN_NANOS) {
            known.put(address, new Known(found == null ? "" : found.name, System.nanoTime()));
            wanted.offer(address);
        }
        return found == null || found.name.isEmpty() ? null : found.name;
    }

    private void run() {
        try {
            while (true) {
                Set<IpAddress> next = new HashSet<>();
                next.add(wanted.take());
                wanted.drainTo(next, AT_ONCE - 1);
                ask(next);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void ask(Set<IpAddress> addresses) {
        DaemonFacts facts = daemon;
        for (DaemonFacts.Peer peer : facts.peers()) {
            List<IpAddress> theirs = addresses.stream().filter(peer::covers).toList();
            if (peer.problem() == null && !theirs.isEmpty()) {
                QueryAnswer answer =
                        PeerQuery.ask(facts, peer, Query.names(theirs)).answer();
                (answer == null ? List.<String>of() : answer.pods()).forEach(line -> learn(theirs, line));
            }
        }
    }

    /** A node names its own pods, and only those asked for. */
    private void learn(List<IpAddress> asked, String line) {
        int space = line.indexOf(' ');
        Optional<IpAddress> address = asked.stream()
                .filter(each -> space > 0 && each.toString().equals(line.substring(0, space)))
                .findFirst();
        address.ifPresent(each -> known.put(each, new Known(line.substring(space + 1), System.nanoTime())));
    }

    /** What a node answers: each address that is a pod's of its, and the name. */
    static List<String> answer(Host host, String question) {
        List<String> lines = new ArrayList<>();
        for (String text : question.split(",", AT_ONCE)) {
            IpAddress address = IpAddress.parse(text);
            host.podWith(address).ifPresent(pod -> lines.add(address + " " + pod.name()));
        }
        return lines;
    }
}

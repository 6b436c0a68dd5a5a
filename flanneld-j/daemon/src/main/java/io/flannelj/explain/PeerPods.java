package io.flannelj.explain;

import io.flannelj.net.Cidr;
import io.flannelj.net.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds a pod by its name on the other nodes, several of which are asked at once. */
final class PeerPods {
    private static final int MOST_NODES = 256;
    private static final int AT_ONCE = 16;

    private PeerPods() {}

    static List<IpAddress> find(@Nullable DaemonFacts daemon, String name) {
        if (daemon == null || name.length() > 300) {
            return List.of();
        }
        ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE, task -> {
            Thread thread = new Thread(task, "explain");
            thread.setDaemon(true);
            return thread;
        });
        try {
            List<DaemonFacts.Peer> asked = daemon.peers().stream()
                    .filter(peer -> peer.problem() == null)
                    .limit(MOST_NODES)
                    .toList();
            List<Future<PeerQuery.Outcome>> answers = asked.stream()
                    .map(peer -> threads.submit(() -> PeerQuery.ask(daemon, peer, Query.pods(name))))
                    .toList();
            List<IpAddress> found = new ArrayList<>();
            for (int i = 0; i < asked.size(); i++) {
                DaemonFacts.Peer peer = asked.get(i);
                addresses(answers.get(i))
                        .filter(address -> peer.subnets().stream()
                                .anyMatch(
                                        subnet -> Cidr.parse(subnet).contains(address))) // a node tells of its own pods
                        .forEach(found::add);
            }
            return found;
        } finally {
            threads.shutdownNow();
        }
    }

    private static Stream<IpAddress> addresses(Future<PeerQuery.Outcome> asked) {
        try {
            QueryAnswer answer = asked.get().answer();
            return answer == null ? Stream.empty() : answer.pods().stream().map(IpAddress::parse);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Stream.empty();
        } catch (ExecutionException | IllegalArgumentException e) {
            return Stream.empty(); // one that answers nonsense is as one that does not answer
        }
    }
}

package io.flannelj.explain;

import io.flannelj.cni.engine.KnownPod;
import io.flannelj.explain.filter.Passage;
import io.flannelj.net.IpAddress;
import io.flannelj.netns.Netns;
import io.flannelj.netns.NetnsVisit;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A packet of our own that goes the whole way, from the pod's network namespace: an echo request, or the begin of a TCP connection. */
final class PacketCheck {
    private static final int WAIT_MILLIS = 600;

    private PacketCheck() {}

    /** What came back. */
    enum Reaction {
        ANSWERED,
        /** A TCP connection was refused: the packet arrived, and so did the answer. */
        REFUSED,
        SILENT
    }

    /**
     * How it went.
     *
     * @param what was sent, human-readable
     * @param millis until the answer
     * @param sent packets that our data path sent to the other node meanwhile; empty without one
     * @param received packets that it received from there
     * @param drops packets that the kernel says it dropped meanwhile, of this whole machine
     */
    record Facts(
            String what, Reaction reaction, long millis, Optional<Long> sent, Optional<Long> received, String drops) {}

    /**
     * Sends.
     *
     * @throws IOException when the pod's namespace cannot be entered
     */
    static Facts gather(Host host, KnownPod pod, Question question) throws IOException {
        boolean tcp = question.protocol() == Passage.TCP;
        String what =
                (tcp ? "a TCP connection to port " + question.port() + " of " : "an echo request to ") + question.to();
        Optional<DaemonFacts.Peer> before = peer(host.daemon(), question.to());
        long begin = System.nanoTime();
        Reaction reaction = Reaction.SILENT;
        String drops = "";
        try (Netns netns = Netns.open(Path.of(pod.netns()))) {
            NetnsVisit.Work<Reaction> send = () -> tcp ? connect(question.to(), question.port()) : echo(question.to());
            reaction = NetnsVisit.call(netns, send);
            if (reaction == Reaction.SILENT) {
                try (KernelDrops kernel = KernelDrops.listen()) { // to make one takes longer than an answer
                    begin = System.nanoTime();
                    reaction = NetnsVisit.call(netns, send);
                    drops = reaction == Reaction.SILENT ? kernel.sinceThen() : "";
                }
            }
        }
        long millis = (System.nanoTime() - begin) / 1_000_000;
        Optional<DaemonFacts.Peer> after =
                reaction == Reaction.SILENT ? peer(host.askDaemonAgain(), question.to()) : Optional.empty();
        return new Facts(
                what,
                reaction,
                millis,
                more(before.map(DaemonFacts.Peer::packetsOut), after.map(DaemonFacts.Peer::packetsOut)),
                more(before.map(DaemonFacts.Peer::packetsIn), after.map(DaemonFacts.Peer::packetsIn)),
                drops);
    }

    private static Optional<DaemonFacts.Peer> peer(@Nullable DaemonFacts daemon, IpAddress pod) {
        return daemon == null ? Optional.empty() : daemon.peerOf(pod);
    }

    private static Optional<Long> more(Optional<Long> before, Optional<Long> after) {
        return before.flatMap(earlier -> after.map(later -> later - earlier));
    }

    private static Reaction echo(IpAddress to) throws IOException {
        return InetAddress.getByAddress(to.toBytes()).isReachable(WAIT_MILLIS) ? Reaction.ANSWERED : Reaction.SILENT;
    }

    private static Reaction connect(IpAddress to, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getByAddress(to.toBytes()), port), WAIT_MILLIS);
            return Reaction.ANSWERED;
        } catch (ConnectException e) {
            return Reaction.REFUSED;
        } catch (IOException e) {
            return Reaction.SILENT;
        }
    }

    static Finding judge(String node, Facts facts) {
        return switch (facts.reaction()) {
            case ANSWERED ->
                Finding.ok(node, Hop.PACKET, facts.what() + " is answered within " + (facts.millis() + 1) + " ms");
            case REFUSED -> Finding.ok(node, Hop.PACKET, facts.what() + " is refused: packets pass both ways");
            case SILENT -> Finding.unknown(node, Hop.PACKET, facts.what() + " is not answered" + counted(facts));
        };
    }

    private static String counted(Facts facts) {
        String kernel = facts.drops().isEmpty() ? "" : "; this machine's kernel dropped meanwhile: " + facts.drops();
        return facts.sent().isEmpty() || facts.received().isEmpty()
                ? kernel
                : "; meanwhile " + facts.sent().get()
                        + (facts.sent().get() == 1 ? " packet was" : " packets were")
                        + " sent into the tunnel to that node, and "
                        + facts.received().get() + " came back" + kernel;
    }
}

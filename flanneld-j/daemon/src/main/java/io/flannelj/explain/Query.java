package io.flannelj.explain;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.flannelj.net.IpAddress;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What one node asks another.
 *
 * @param what is asked
 * @param from address of the packets' sender; empty with {@link What#PODS}
 * @param to their destination; empty with {@link What#PODS}
 * @param sends whether packets may be sent to find out
 * @param pod name that is looked for with {@link What#PODS}, addresses with {@link What#NAMES} and commas between, what comes back with {@link What#ECHO}, or with {@link What#SEEN}
 *     the key of the packet that is asked about; else empty
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record Query(What what, String from, String to, int protocol, int port, boolean sends, String pod) {
    /** What can be asked. */
    enum What {
        /** The half of a way that begins at a pod of the node asked. */
        DEPARTURE,
        /** The half of a way that ends there. */
        ARRIVAL,
        /** The pods of a name. */
        PODS,
        /** The names of pods. */
        NAMES,
        /** The paths from the node asked to the one that asks, probed now. */
        PATHS,
        /** To watch the packets between two pods for a while, one at least of the node that asks. */
        WATCH,
        /** What was seen of them. */
        SEEN,
        /** As much as was sent, to see what size of packet passes. */
        ECHO
    }

    static Query half(What what, Question question) {
        return new Query(
                what,
                question.from().toString(),
                question.to().toString(),
                question.protocol(),
                question.port(),
                question.sends(),
                "");
    }

    static Query echo(int bytes) {
        return new Query(What.ECHO, "", "", 0, 0, true, "x".repeat(bytes));
    }

    static Query paths() {
        return new Query(What.PATHS, "", "", 0, 0, true, "");
    }

    static Query names(List<IpAddress> pods) {
        String list = pods.stream().map(IpAddress::toString).collect(Collectors.joining(","));
        return new Query(What.NAMES, "", "", 0, 0, false, list);
    }

    static Query pods(String name) {
        return new Query(What.PODS, "", "", 0, 0, false, name);
    }
}

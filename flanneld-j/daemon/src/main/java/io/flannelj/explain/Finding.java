package io.flannelj.explain;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.flannelj.net.PlainText;
import java.util.Objects;

/**
 * What is known of one link.
 *
 * @param node its node, by the address that other nodes know
 * @param evidence what was seen
 * @param remedy one command that mends it, to be run on {@code node}, or what to do where no command does; empty unless it is
 *     broken or limited
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record Finding(Verdict verdict, String node, Hop hop, String evidence, String remedy) {
    private static final int LONGEST = 500;

    public Finding {
        Objects.requireNonNull(verdict, "verdict"); // another node's may have none
        Objects.requireNonNull(hop, "hop");
        node = PlainText.shorten(PlainText.escape(node), LONGEST);
        evidence = PlainText.shorten(PlainText.escape(evidence), LONGEST);
        remedy = PlainText.shorten(PlainText.escape(remedy), LONGEST);
    }

    public static Finding ok(String node, Hop hop, String evidence) {
        return new Finding(Verdict.OK, node, hop, evidence, "");
    }

    public static Finding broken(String node, Hop hop, String evidence, String remedy) {
        return new Finding(Verdict.BROKEN, node, hop, evidence, remedy);
    }

    public static Finding limited(String node, Hop hop, String evidence, String remedy) {
        return new Finding(Verdict.LIMITED, node, hop, evidence, remedy);
    }

    public static Finding unknown(String node, Hop hop, String why) {
        return new Finding(Verdict.UNKNOWN, node, hop, why, "");
    }

    /** The same, as another node's. */
    Finding on(String other) {
        return new Finding(verdict, other, hop, evidence, remedy);
    }

    @JsonIgnore
    public boolean isBroken() {
        return verdict == Verdict.BROKEN;
    }
}

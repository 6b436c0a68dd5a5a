package io.flannelj.doctor;

import io.flannelj.explain.Verdict;
import io.flannelj.net.PlainText;

/**
 * What is known of one thing that the daemon needs.
 *
 * @param subject the thing
 * @param evidence what was seen
 * @param remedy what mends it; empty unless it is broken
 */
public record Diagnosis(Verdict verdict, String subject, String evidence, String remedy) {
    private static final int LONGEST = 500;

    public Diagnosis {
        evidence = PlainText.shorten(PlainText.escape(evidence), LONGEST);
        remedy = PlainText.shorten(PlainText.escape(remedy), LONGEST);
    }

    static Diagnosis ok(String subject, String evidence) {
        return new Diagnosis(Verdict.OK, subject, evidence, "");
    }

    static Diagnosis broken(String subject, String evidence, String remedy) {
        return new Diagnosis(Verdict.BROKEN, subject, evidence, remedy);
    }

    static Diagnosis unknown(String subject, String why) {
        return new Diagnosis(Verdict.UNKNOWN, subject, why, "");
    }

    /** Splits a line of the daemon's at its last semicolon, behind which the remedy stands. */
    static Diagnosis brokenBy(String subject, String line) {
        int split = Math.max(line.lastIndexOf("; "), line.lastIndexOf(": ip"));
        return split < 0
                ? broken(subject, line, "see flanneld-j status")
                : broken(subject, line.substring(0, split), line.substring(split + 2));
    }
}

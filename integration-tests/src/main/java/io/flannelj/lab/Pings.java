package io.flannelj.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Pings from one pod to another, twenty a second, for as long as nobody stops them. */
public final class Pings {
    private static final Pattern ANSWER = Pattern.compile("icmp_seq=(\\d+) ttl=");
    private static final Pattern SENT = Pattern.compile("(\\d+) packets transmitted, (\\d+) received");

    /** That many may be on their way when ping ends on a busy machine: it awaits the last answers for two round trips. */
    private static final int UNDER_WAY = 3;

    private final Process ping;
    private final Path log;

    /**
     * What became of them.
     *
     * @param lost without what was on its way at the end
     */
    public record Outcome(int sent, int lost) {}

    private Pings(Process ping, Path log) {
        this.ping = ping;
        this.log = log;
    }

    public static Pings start(Pod from, Pod to) {
        Path log = from.node().directory().resolve(from.containerId() + "-pings-" + System.nanoTime() + ".log");
        return new Pings(from.node().startIn(from, log, "ping", "-n", "-i0.05", to.address()), log);
    }

    /**
     * What became of the pings of a run that has ended.
     *
     * @param said what ping printed, not quiet
     */
    public static Outcome outcome(String said) {
        Matcher summary = SENT.matcher(said);
        if (!summary.find()) {
            throw new LabException("ping said nothing of what it sent:\n" + said);
        }
        int sent = Integer.parseInt(summary.group(1));
        int last = 0;
        Matcher answer = ANSWER.matcher(said);
        while (answer.find()) {
            last = Math.max(last, Integer.parseInt(answer.group(1)));
        }
        int expected = sent - last <= UNDER_WAY ? last : sent;
        return new Outcome(sent, expected - Integer.parseInt(summary.group(2)));
    }

    public Outcome stop() {
        Commands.run("kill", "-INT", String.valueOf(ping.pid()));
        try {
            if (!ping.waitFor(10, TimeUnit.SECONDS)) {
                throw new LabException("ping does not end");
            }
            return outcome(Files.readString(log));
        } catch (IOException e) {
            throw new LabException("what ping said cannot be read", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted", e);
        }
    }
}

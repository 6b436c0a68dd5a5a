package io.flannelj.lab;

/**
 * Three echo requests, each of which has two seconds for its answer. They are three runs of ping: of a series ping gives the
 * last answer no more than the interval or two round trips, whatever {@code -W} says, which a busy machine exceeds.
 */
final class Ping {
    private Ping() {}

    /** The command; it succeeds when all answers came, and prints what ping says. */
    static String[] command(String target, String... options) {
        String once = "ping -c1 -W2 " + String.join(" ", options) + " " + target;
        return new String[] {"sh", "-c", "for i in 1 2 3; do " + once + " || exit 1; done"};
    }

    /** True when all answers came; otherwise what ping said is printed. */
    static boolean isAnswered(String from, Commands.Result result) {
        if (!result.succeeded()) {
            System.out.println(from + ": " + result.output() + result.errors());
        }
        return result.succeeded();
    }
}

package io.flannelj.admin;

import java.time.Duration;

/**
 * What one HTTP listener spends on its clients at most.
 *
 * @param connections open at a time; the oldest makes room for the newest
 * @param connectionsOfOneSource the same, of one remote address
 * @param answerBytes of answers that wait for clients to take them, together; more is answered 503
 * @param toAsk from the connection's begin to the end of the request's headers
 * @param toTakeTheAnswer from then to the connection's end
 */
record HttpLimits(
        int connections, int connectionsOfOneSource, int answerBytes, Duration toAsk, Duration toTakeTheAnswer) {
    static final HttpLimits USUAL = new HttpLimits(64, 16, 16 << 20, Duration.ofSeconds(5), Duration.ofSeconds(10));

    /** The control socket: nobody but root connects, and all have the same address. */
    static final HttpLimits OF_ROOT = new HttpLimits(64, 64, 16 << 20, Duration.ofSeconds(5), Duration.ofSeconds(10));

    static final int REQUEST_LINE_BYTES = 1024;
    static final int HEADER_BYTES = 4096;
}

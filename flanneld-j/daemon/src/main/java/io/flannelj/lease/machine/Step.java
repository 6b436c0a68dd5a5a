package io.flannelj.lease.machine;

import java.time.Instant;

/**
 * What follows from one observation.
 *
 * @param machine the machine from now on
 * @param action what the store shall be asked for now
 * @param again when to tell the machine that time has passed, at the latest; {@link Instant#MAX} for never
 * @param message for the log; the same one is to be logged once, however often it comes in a row
 */
public record Step(LeaseMachine machine, Action action, Instant again, Message message) {
    /**
     * A line for the log.
     *
     * @param text empty for nothing
     */
    public record Message(Level level, String text) {
        static final Message NONE = new Message(Level.INFO, "");

        static Message info(String text) {
            return new Message(Level.INFO, text);
        }

        static Message warn(String text) {
            return new Message(Level.WARN, text);
        }

        static Message error(String text) {
            return new Message(Level.ERROR, text);
        }
    }

    /** How much a message matters. */
    public enum Level {
        INFO,
        WARN,
        ERROR
    }
}

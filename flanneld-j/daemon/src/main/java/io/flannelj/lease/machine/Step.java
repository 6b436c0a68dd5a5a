package io.flannelj.lease.machine;

import io.flannelj.lease.StoredLease;
import java.time.Instant;
import java.util.Set;

/**
 * What follows from one observation.
 *
 * @param state from now on
 * @param action what the store shall be asked for now
 * @param again when to tell the machine that time has passed, at the latest; {@link Instant#MAX} for never
 * @param message for the log; the same one is to be logged once, however often it comes in a row
 */
public record Step(LeaseState state, Action action, Instant again, Message message) {
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

    /** Asks for a look when one is due, or says when it will be. */
    static Step proceed(LeaseState state, Instant now, Message message) {
        if (state.phase() instanceof Phase.Lost) {
            return new Step(state, new Action.Hold(), Instant.MAX, message);
        }
        return state.asked() instanceof Action.Hold && state.pace().isDue(now)
                ? ask(state, new Action.Look(), now, message)
                : new Step(state, new Action.Hold(), state.again(now), message);
    }

    static Step ask(LeaseState state, Action action, Instant now, Message message) {
        Memory more = action instanceof Action.Create create
                ? state.memory().withWritten(create.attributes())
                : action instanceof Action.Update update
                        ? state.memory().withWritten(update.attributes())
                        : state.memory();
        Pace looked = action instanceof Action.Look ? state.pace().withChange(false) : state.pace();
        LeaseState next = state.with(more).with(looked).asking(action);
        return new Step(next, action, next.again(now), message);
    }

    static Step retry(LeaseState state, Instant now, long random, Message message) {
        LeaseState next = state.with(state.pace().afterFailure(now, random));
        return new Step(next, new Action.Hold(), next.again(now), message);
    }

    static Step lose(LeaseState state, StoredLease lease, Instant now, Message message) {
        Memory nothing = state.memory().withConfirmed(Set.of());
        return proceed(state.with(new Phase.Lost(lease.subnets())).with(nothing), now, message);
    }
}

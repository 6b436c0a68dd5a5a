package io.flannelj.lease.machine;

import io.flannelj.lease.StoredLease;
import java.time.Instant;
import java.util.Set;
import org.slf4j.event.Level;

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
    }

    Step info(String text) {
        return new Step(state, action, again, new Message(Level.INFO, text));
    }

    Step warn(String text) {
        return new Step(state, action, again, new Message(Level.WARN, text));
    }

    Step error(String text) {
        return new Step(state, action, again, new Message(Level.ERROR, text));
    }

    /** Asks for a look when one is due, or says when it will be. */
    static Step proceed(LeaseState state, Instant now) {
        if (state.phase() instanceof Phase.Lost) {
            return hold(state, Instant.MAX);
        }
        return state.asked() instanceof Action.Hold && state.pace().isDue(now)
                ? ask(state, new Action.Look(), now)
                : hold(state, state.again(now));
    }

    private static Step hold(LeaseState state, Instant again) {
        return new Step(state, new Action.Hold(), again, Message.NONE);
    }

    static Step ask(LeaseState state, Action action, Instant now) {
        Memory more = action instanceof Action.Create create
                ? state.memory().withWritten(create.attributes())
                : action instanceof Action.Update update
                        ? state.memory().withWritten(update.attributes())
                        : state.memory();
        Pace looked = action instanceof Action.Look ? state.pace().withChange(false) : state.pace();
        LeaseState next = state.with(more).with(looked).asking(action);
        return new Step(next, action, next.again(now), Message.NONE);
    }

    /** @param waitingFor see {@link LeaseState#waitingFor} */
    static Step retry(LeaseState state, Instant now, long random, String waitingFor) {
        LeaseState next = state.with(state.pace().afterFailure(now, random, waitingFor));
        return hold(next, next.again(now));
    }

    static Step lose(LeaseState state, StoredLease lease, Instant now) {
        Memory nothing = state.memory().withConfirmed(Set.of());
        return proceed(state.with(new Phase.Lost(lease.subnets())).with(nothing), now);
    }
}

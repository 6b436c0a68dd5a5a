package io.flannelj.backend;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Steps of which none keeps the others from being done when it fails. */
public final class BestEffort {
    private @Nullable IOException first;
    private int failures;

    /** One step. */
    public interface Step {
        void run() throws IOException;
    }

    public void run(Step step) {
        try {
            step.run();
        } catch (IOException e) {
            failures++;
            if (first == null) {
                first = e;
            }
        }
    }

    /** The first failure, and how many there were; empty when there was none. */
    public String summary() {
        if (first == null) {
            return "";
        }
        return failures == 1
                ? String.valueOf(first.getMessage())
                : first.getMessage() + " (and " + (failures - 1) + " more)";
    }

    /** Throws the first failure, and says how many there were, when there was any. */
    public void throwIfAny() throws IOException {
        if (first != null) {
            throw failures == 1 ? first : new IOException(summary(), first);
        }
    }
}

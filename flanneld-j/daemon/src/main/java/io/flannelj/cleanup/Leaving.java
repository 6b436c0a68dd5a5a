package io.flannelj.cleanup;

import java.io.IOException;

/**
 * One thing that is ours and that nobody needs any more.
 *
 * @param name what it is, human-readable
 * @param removal takes it away
 */
public record Leaving(String name, Removal removal) {
    /** How it goes. */
    public interface Removal {
        void run() throws IOException;
    }

    /**
     * Takes it away.
     *
     * @throws IOException when the host refuses; names it
     */
    public void remove() throws IOException {
        removal.run();
    }
}

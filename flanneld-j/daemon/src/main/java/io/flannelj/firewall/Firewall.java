package io.flannelj.firewall;

import io.flannelj.packetfilter.Change;
import java.io.IOException;
import java.util.List;

/** One flavour of packet filter. The state wanted goes in, the difference is applied; the same call repairs. */
public interface Firewall {
    /**
     * Makes the rules what they shall be, in one atomic step, if they are not.
     *
     * @return what had to be done
     * @throws IOException names the program that failed, and what it said
     */
    Change apply(DesiredRules rules) throws IOException;

    /** What the guard's rules dropped, as the last {@link #apply} found it. */
    GuardDrops drops();

    /** What of the rules this kernel cannot do, human-readable; empty when it can do all. Known after {@link #apply}. */
    String shortcoming();

    /**
     * What of ours is there, human-readable; empty when nothing is. flannel's own counts as ours: the names are the same.
     *
     * @throws IOException when the program is missing; names the package that brings it
     */
    List<String> present() throws IOException;

    /** Takes away everything of ours, and nothing else. Harmless when nothing is there. */
    void remove() throws IOException;
}

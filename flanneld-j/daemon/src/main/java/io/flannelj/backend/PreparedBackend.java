package io.flannelj.backend;

import io.flannelj.lease.Lease;
import io.flannelj.lease.LeaseAttributes;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/** What carries packets without a data path of ours. */
public record PreparedBackend(LeaseAttributes attributes, List<String> routedLinks, Starter starter)
        implements Prepared {
    /** How it starts. */
    public interface Starter {
        /** As {@link Backends#start}. */
        Backend start(Lease own, Consumer<String> onLost) throws IOException;
    }
}

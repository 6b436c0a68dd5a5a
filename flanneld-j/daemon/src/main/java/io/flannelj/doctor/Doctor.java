package io.flannelj.doctor;

import io.flannelj.config.ConfigException;
import io.flannelj.explain.DaemonFacts;
import io.flannelj.lease.SubnetManager;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All that {@code flanneld-j doctor} looks at. Changes nothing. */
public final class Doctor {
    private Doctor() {}

    /** How the store is opened. */
    public interface StoreSource {
        /** Opens it; the caller closes it. */
        SubnetManager open() throws IOException, ConfigException;
    }

    /**
     * Looks at this host and its store.
     *
     * @param daemon null when none answers
     * @param subnetFile what the last run of the daemon left, for when none answers
     */
    public static List<Diagnosis> look(@Nullable DaemonFacts daemon, Path subnetFile, StoreSource store) {
        List<Diagnosis> found = new ArrayList<>(HostDoctor.look(daemon));
        found.addAll(ClusterDoctor.look(daemon, subnetFile, store::open));
        return found;
    }
}

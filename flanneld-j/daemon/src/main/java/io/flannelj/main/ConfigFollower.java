package io.flannelj.main;

import io.flannelj.backend.Backend;
import io.flannelj.config.ConfigChange;
import io.flannelj.config.ConfigException;
import io.flannelj.config.DaemonOptions;
import io.flannelj.config.NetworkConfig;
import io.flannelj.lease.loop.TaskQueue;
import io.flannelj.lease.pool.SubnetChooser;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes up newer network configs of the store where that takes no restart, and names what does. One that cannot be used leaves
 * the one before in force. Confined to the control thread.
 */
final class ConfigFollower {
    private static final Logger log = LoggerFactory.getLogger(ConfigFollower.class);

    private final DaemonOptions options;
    private final Backend backend;
    private final RuleUpkeep rules;
    private final ArchiveDraft archive;
    private final SessionReport report;
    private final TaskQueue control;
    private final Runnable applyPeers;
    private String seenDocument = "";
    private NetworkConfig newest;

    /** @param applyPeers brings peers into force anew, after the backend went over to another tunnel */
    ConfigFollower(
            DaemonOptions options,
            Backend backend,
            RuleUpkeep rules,
            ArchiveDraft archive,
            SessionReport report,
            TaskQueue control,
            Runnable applyPeers) {
        this.options = options;
        this.backend = backend;
        this.rules = rules;
        this.archive = archive;
        this.report = report;
        this.control = control;
        this.applyPeers = applyPeers;
        this.newest = report.status().config();
    }

    /** The session began with this document, as the previous run wrote it down. */
    void beginWith(String document) {
        archive.beginWith(document);
        seenDocument = document;
    }

    /** The newest usable one that the store had: nodes that started since then speak its tunnel. */
    NetworkConfig newest() {
        return newest;
    }

    void follow(String document) {
        if (document.equals(seenDocument)) {
            return;
        }
        seenDocument = document;
        try {
            NetworkConfig wanted = NetworkConfig.parse(document);
            options.requireAllowed(wanted);
            archive.config(document); // one that is refused is not kept
            newest = wanted;
            // First, for pods of ours must not reach those who have it already, nor forge packets to a tunnel of our
            // own.
            rules.followAtOnce(
                    GuardedTunnels.of(backend, wanted, report.status().peers()));
            rules.afterwards(() -> control.run(() -> takeUp(wanted)));
        } catch (ConfigException e) {
            report.showTrouble(Troubles.Topic.CONFIG, e.oneLine() + "; going on with the one before");
        }
    }

    private void takeUp(NetworkConfig wanted) {
        if (!wanted.equals(newest)) {
            return; // another one came meanwhile
        }
        List<String> deferred = migrate(wanted);
        report.showTrouble(
                Troubles.Topic.CONFIG,
                deferred.isEmpty()
                        ? ""
                        : "the network config was changed in what takes effect at the next start only: "
                                + String.join("; ", deferred));
    }

    /** Returns what has to wait for the next start. */
    private List<String> migrate(NetworkConfig wanted) {
        NetworkConfig before = report.status().config();
        List<String> deferred = ConfigChange.deferred(before, wanted);
        boolean migrates = !deferred.isEmpty() && ConfigChange.isOfBackendOnly(before, wanted);
        if (!deferred.isEmpty() && !migrates) {
            return deferred;
        }
        if (migrates) {
            Optional<String> objection = backend.migrate(wanted);
            if (objection.isPresent()) {
                return List.of(deferred.get(0) + " (" + objection.get() + ")");
            }
        }
        if (!wanted.equals(before)) {
            log.info("the network config was changed; each node leases {} now", SubnetChooser.describe(wanted));
            report.showConfig(wanted);
        }
        if (migrates) {
            applyPeers.run();
        }
        return List.of();
    }
}

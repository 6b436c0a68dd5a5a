package io.flannelj.cni.engine;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Carries out CNI calls (specification 1.1). Blocking, and safe for any number of threads: what must not happen twice at a
 * time is held by a lock, in the process for the bridge, by file for addresses.
 *
 * <p>The calling thread must be in the node's network namespace.
 */
public final class CniEngine {
    private final Supplier<String> daemonState;
    private final BridgePlugin.Plugging plugging;

    private final StateDirectories stateDirectories;

    /**
     * An engine in the plugin's own process.
     *
     * @param daemonState why the node has no subnet yet, should that turn out so
     */
    public CniEngine(Supplier<String> daemonState) {
        this(daemonState, Bridge::plug, new StateDirectories(null));
    }

    /**
     * An engine in the daemon.
     *
     * @param daemonState why the node has no subnet yet, should that turn out so
     * @param register file in which it is kept where attachments are
     */
    public CniEngine(Supplier<String> daemonState, Path register) {
        this(daemonState, Bridge::plug, new StateDirectories(register));
    }

    CniEngine(Supplier<String> daemonState, BridgePlugin.Plugging plugging) {
        this(daemonState, plugging, new StateDirectories(null));
    }

    private CniEngine(Supplier<String> daemonState, BridgePlugin.Plugging plugging, StateDirectories stateDirectories) {
        this.daemonState = daemonState;
        this.plugging = plugging;
        this.stateDirectories = stateDirectories;
    }

    /**
     * Restores the packet filter's rules of pods where another program removed some: of pods that were wired since they are kept with
     * their result, in the usual directory and in those that calls named, since the start or before.
     *
     * @return pods whose rules were incomplete
     * @throws IOException with what the program said
     */
    public int restorePodRules() throws IOException {
        int restored = 0;
        for (Path directory : stateDirectories.all()) {
            restored += new PodRules(directory).restore();
        }
        return restored;
    }

    /** Where attachments are kept: the usual directory, and those that calls named, since the start or before. */
    public Set<Path> stateDirectories() {
        return stateDirectories.all();
    }

    /** Carries out one call. Never throws: whatever goes wrong is a CNI error. */
    public CniAnswer handle(Invocation invocation) {
        String version = "1.1.0";
        try {
            String command = invocation.variable("CNI_COMMAND");
            NetConf conf = command.equals("DEL")
                    ? NetConf.parseForDelete(invocation.stdin())
                    : NetConf.parse(invocation.stdin());
            version = conf.cniVersion();
            stateDirectories.add(conf.stateDirectory());
            return new CniAnswer(true, carryOut(command, invocation, conf));
        } catch (CniException e) {
            return new CniAnswer(false, Results.error(version, e.code(), String.valueOf(e.getMessage())));
        } catch (IOException e) {
            return new CniAnswer(false, Results.error(version, CniException.IO, String.valueOf(e.getMessage())));
        } catch (InvalidPathException e) {
            return new CniAnswer(
                    false,
                    Results.error(
                            version, CniException.BAD_CONFIG, "\"" + e.getInput() + "\" is no path: " + e.getReason()));
        } catch (RuntimeException e) {
            return new CniAnswer(false, Results.error(version, CniException.INTERNAL, "the plugin failed: " + e));
        }
    }

    private String carryOut(String command, Invocation invocation, NetConf conf) throws IOException, CniException {
        return switch (command) {
            case "ADD" -> new Delegation(invocation, conf, daemonState, plugging).add(Attachment.of(invocation, true));
            case "DEL" -> {
                new Delegation(invocation, conf, daemonState, plugging).delete(Attachment.of(invocation, false));
                yield "";
            }
            case "CHECK" -> {
                since("0.4.0", command, conf);
                new Delegation(invocation, conf, daemonState, plugging).check(Attachment.of(invocation, true));
                yield "";
            }
            case "STATUS" -> {
                since("1.1.0", command, conf);
                new NodeStatus(invocation, conf, daemonState).check();
                yield "";
            }
            case "GC" -> {
                since("1.1.0", command, conf);
                new Collection(invocation, conf, daemonState).collect(conf.validAttachments());
                yield "";
            }
            default ->
                throw new CniException(
                        CniException.BAD_ENVIRONMENT,
                        "CNI_COMMAND must be ADD, DEL, CHECK, STATUS, GC or VERSION, was \"" + command + "\"");
        };
    }

    private static void since(String least, String command, NetConf conf) throws CniException {
        if (conf.cniVersion().compareTo(least) < 0) {
            throw new CniException(
                    CniException.INCOMPATIBLE_VERSION,
                    command + " needs cniVersion " + least + " or newer, was " + conf.cniVersion());
        }
    }
}

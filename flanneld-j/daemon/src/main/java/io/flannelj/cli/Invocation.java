package io.flannelj.cli;

import io.flannelj.config.DaemonOptions;

/** What a command line asks for. */
public sealed interface Invocation {
    /**
     * To run the daemon.
     *
     * @param debug whether to log more
     */
    record RunDaemon(DaemonOptions options, boolean debug) implements Invocation {}

    /** Nothing more: it has been answered, and the process ends. */
    record Done(int exitStatus) implements Invocation {}
}

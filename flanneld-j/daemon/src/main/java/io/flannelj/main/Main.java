package io.flannelj.main;

import io.flannelj.cli.CommandLine;
import io.flannelj.cli.Invocation;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import org.slf4j.LoggerFactory;

/** The process: reads the command line, and runs the daemon or answers at once. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        JavaLogging.redirect();
        Thread.setDefaultUncaughtExceptionHandler((thread, e) ->
                LoggerFactory.getLogger(Main.class).error("thread {} ended: {}", thread.getName(), e.toString(), e));
        CommandLine commandLine = new CommandLine(
                System.getenv(),
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                Version.current(),
                options -> Stores.open(options, Clock.systemUTC()));
        Invocation invocation = commandLine.read(arguments);
        if (invocation instanceof Invocation.Done done) {
            System.exit(done.exitStatus());
        }
        Invocation.RunDaemon run = (Invocation.RunDaemon) invocation;
        if (run.debug()) {
            Logging.debug();
        }
        Preflight.giveUpPrivileges(); // before there are threads: each has its own
        Shutdown shutdown = Shutdown.onSignals();
        shutdown.finish(new Daemon(run.options(), shutdown).run());
    }
}

package io.flannelj.cli;

import io.flannelj.explain.Host;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command about one of this host's daemons. Here is what all of them do alike: flags, errors, and exit statuses. */
abstract class HostCommand implements Callable<Integer> {
    /** Done, and everything is well. */
    static final int GOOD = 0;

    /** It cannot be done, or not all is well. */
    static final int REFUSED = 1;

    /** No daemon answers. */
    static final int UNREACHABLE = 3;

    final PrintWriter out;
    final PrintWriter err;
    private final int unreadable;

    @Mixin
    final InstanceFlags instance = new InstanceFlags();

    @Mixin
    final HelpFlag help = new HelpFlag();

    @Spec
    private CommandSpec command = CommandSpec.create();

    /** @param unreadable the exit status where host or daemon cannot be read */
    HostCommand(PrintWriter out, PrintWriter err, int unreadable) {
        this.out = out;
        this.err = err;
        this.unreadable = unreadable;
    }

    /**
     * Does it.
     *
     * @return the exit status
     * @throws RefusedException when it cannot be done; says why
     * @throws IOException when host or daemon cannot be read
     * @throws ParameterException when flags are not understood; see {@link #mistake}
     */
    abstract int run() throws IOException, RefusedException;

    @Override
    public final Integer call() {
        try {
            return run();
        } catch (RefusedException | AccessDeniedException e) {
            say(e.getMessage());
            return REFUSED;
        } catch (IOException e) {
            say(e.getMessage());
            return unreadable;
        } finally {
            out.flush();
            err.flush();
        }
    }

    /** One line to who runs it, with the command's name in front. */
    final void say(@Nullable String line) {
        err.println(command.name() + ": " + line);
        err.flush();
    }

    final ParameterException mistake(@Nullable String what) {
        return new ParameterException(command.commandLine(), String.valueOf(what));
    }

    /** @throws ParameterException when a flag's number is out of its range; names the flag */
    final void within(String flag, long value, long least, long most) {
        if (value < least || value > most) {
            throw mistake(flag + " must be " + (most == Long.MAX_VALUE ? "at least " + least : least + " to " + most)
                    + ", was " + value);
        }
    }

    final ControlClient daemon() {
        return new ControlClient(instance.controlSocket());
    }

    /** @throws RefusedException when this process may not look at interfaces and rules */
    static void needRoot() throws RefusedException {
        if (!Host.canLook()) {
            throw new RefusedException("this needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN), on a node");
        }
    }

    final Host look() throws IOException, RefusedException {
        needRoot();
        return Host.look(daemon(), List.of(), instance.instance().subnetFile());
    }
}

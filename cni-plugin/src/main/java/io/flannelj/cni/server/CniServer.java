package io.flannelj.cni.server;

import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.shim.Frames;
import io.flannelj.cni.shim.Frames.Outcome;
import io.flannelj.linux.Fd;
import io.flannelj.linux.SyscallException;
import io.flannelj.linux.UnixListener;
import io.flannelj.linux.UnixStream;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Takes CNI calls from plugins. Threads wait for connections; the one that gets it carries the call out, which blocks, and
 * answers: a call changes threads nowhere, for on an idle host every change costs more than most of its steps.
 */
public final class CniServer implements AutoCloseable {
    private static final System.Logger log = System.getLogger(CniServer.class.getName());
    private static final int MOST_THREADS = 8;

    /** So many wait when nothing goes on: few, for the kernel wakes them in turn, and each has a stack of its own to warm. */
    private static final int SPARE = 2;

    private static final int BACKLOG = 1000;
    private static final int FOR_ROOT_ALONE = 0600;
    private static final int PATIENCE_SECONDS = 10;
    private static final int GRACE_SECONDS = 5;
    private static final long AFTER_TROUBLE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final UnixListener listener;
    private final Path socket;
    private final CniHandler cni;
    private final ThreadPoolExecutor threads;
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile String trouble = "";

    private CniServer(UnixListener listener, Path socket, CniHandler cni) {
        this.listener = listener;
        this.socket = socket;
        this.cni = cni;
        AtomicInteger number = new AtomicInteger();
        this.threads =
                new ThreadPoolExecutor(0, MOST_THREADS, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), takeCalls -> {
                    Thread thread = new Thread(takeCalls, "flannel-cni-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
    }

    /**
     * Listens; what a killed daemon left under that path is replaced.
     *
     * @throws IOException when nothing can be made there; names the path
     */
    public static CniServer open(Path socket, CniHandler cni) throws IOException {
        Files.deleteIfExists(socket);
        CniServer server = new CniServer(UnixListener.open(socket, FOR_ROOT_ALONE, BACKLOG), socket, cni);
        for (int i = 0; i < SPARE; i++) {
            server.oneMore();
        }
        return server;
    }

    private void oneMore() {
        try {
            threads.execute(this::takeCalls);
        } catch (RejectedExecutionException e) {
            return; // all are busy and take the next call when they have done theirs, or it closes
        }
    }

    /** One call after the other, until there are others enough who wait for the next. */
    private void takeCalls() {
        do {
            waiting.incrementAndGet();
            UnixStream plugin;
            try {
                plugin = listener.accept();
                trouble = "";
            } catch (SyscallException e) { // too many open files, say
                waiting.decrementAndGet();
                logOnce(String.valueOf(e.getMessage()));
                LockSupport.parkNanos(AFTER_TROUBLE_NANOS);
                continue;
            }
            if (waiting.decrementAndGet() == 0) {
                oneMore();
            }
            if (plugin == null) {
                return;
            }
            try (plugin) {
                serve(plugin);
            } catch (IOException e) { // its own problem: nobody reads the answer
                log.log(Level.DEBUG, "a CNI plugin broke off: {0}", e.getMessage());
            } catch (RuntimeException e) {
                log.log(Level.ERROR, "a CNI call could not be answered", e);
            }
        } while (waiting.get() < SPARE);
    }

    private void logOnce(String what) {
        if (!what.equals(trouble)) {
            trouble = what;
            log.log(Level.WARNING, "no CNI call can be taken: {0}; trying again", what);
        }
    }

    private void serve(UnixStream plugin) throws IOException {
        plugin.setPatience(PATIENCE_SECONDS);
        byte[] bytes = receive(plugin);
        byte[] answer;
        try {
            answer = bytes == null
                    ? Frames.answer(Outcome.REFUSED, "a call may have " + Frames.MAX_CALL + " bytes at most")
                    : answer(Frames.decode(bytes), plugin.descriptor());
        } catch (IllegalArgumentException e) {
            answer = Frames.answer(Outcome.REFUSED, String.valueOf(e.getMessage()));
        }
        plugin.send(answer);
    }

    /** A whole call, without its length; null when it is too long. */
    private static byte @Nullable [] receive(UnixStream plugin) throws IOException {
        byte[] head = Frames.read(plugin::receive, new byte[0], Frames.CALL_HEAD);
        int length = Frames.number(head, 0);
        if (length < 0 || length > Frames.MAX_CALL) {
            return null;
        }
        byte[] whole = Frames.read(plugin::receive, head, Frames.CALL_HEAD + length);
        return Arrays.copyOfRange(whole, Frames.CALL_HEAD, Frames.CALL_HEAD + length);
    }

    private byte[] answer(Frames.Call call, @Nullable Fd netns) {
        String file = "";
        if (!call.identity().isEmpty() && !cni.seesNetns(call.invocation(), call.identity())) {
            if (netns == null) {
                return Frames.answer(Outcome.UNSEEN, "");
            }
            // By the process's own number, so that programs started from here can open it, too.
            file = "/proc/" + ProcessHandle.current().pid() + "/fd/" + netns.number();
        }
        CniAnswer answer = cni.handle(call.invocation().withNetnsFile(file));
        return Frames.answer(answer.success() ? Outcome.DONE : Outcome.FAILED, answer.stdout());
    }

    /** A pod half wired is worse than a late stop: what has begun is finished and answered. */
    @Override
    public void close() {
        socket.toFile().delete(); // where it stays, the next start replaces it
        listener.stop();
        threads.shutdown();
        try {
            if (threads.awaitTermination(GRACE_SECONDS, TimeUnit.SECONDS)) {
                listener.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package io.flannelj.netlink;

import io.flannelj.linux.SyscallException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Takes a veth pair away, and returns when the kernel says that it is gone.
 *
 * <p>The kernel acknowledges RTM_DELLINK only when nobody can hold the memory any more (an RCU grace period and more:
 * {@code netdev_run_todo}), 10 to 40 ms. It announces the deletion (RTM_DELLINK to listeners) right after both ends have left
 * every table: 1 ms. From then on their names are free, and nothing can bring them back, also not our own end.
 */
public final class VethRemoval {
    private VethRemoval() {}

    /**
     * Removes the pair. The calling thread must be in the namespace of the other end, where the announcement is made last.
     *
     * @param socket in the namespace of {@code end}; closed by this
     * @param end one end
     */
    public static void remove(NetlinkSocket socket, Link end) throws SyscallException {
        CompletableFuture<Void> gone = new CompletableFuture<>();
        LinkWatch watch;
        try {
            watch = LinkWatch.start(end.peerIndex(), () -> gone.complete(null));
        } catch (SyscallException e) {
            socket.close();
            throw e;
        }
        Thread thread = new Thread(
                () -> {
                    try (socket) {
                        new Links(socket).delete(end.index());
                        gone.complete(null);
                    } catch (SyscallException | RuntimeException e) {
                        gone.completeExceptionally(e);
                    }
                },
                "flannel-unlink");
        thread.setDaemon(true);
        thread.start();
        try (watch) {
            await(gone);
        }
    }

    private static void await(CompletableFuture<Void> gone) throws SyscallException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    gone.get();
                    return;
                } catch (InterruptedException e) {
                    interrupted = true; // half a removal is no removal
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SyscallException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

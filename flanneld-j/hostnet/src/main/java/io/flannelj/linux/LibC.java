package io.flannelj.linux;

import java.nio.ByteBuffer;
import jnr.ffi.LastError;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;

/**
 * The only door to the C library.
 *
 * <p>No function with six or more arguments is bound: jnr-ffi passes the sixth one wrongly on x86-64 (jnr-ffi #181). Calls
 * of the packet path take plain numbers, so that nothing is allocated for them.
 */
final class LibC {

    private static final Calls CALLS = LibraryLoader.create(Calls.class).load("c");
    private static final Runtime RUNTIME = Runtime.getRuntime(CALLS);

    private LibC() {}

    static Calls calls() {
        return CALLS;
    }

    /** The errno of this thread's last failed call. */
    static int errno() {
        return LastError.getLastError(RUNTIME);
    }

    /** Where a direct buffer begins. */
    static long address(ByteBuffer direct) {
        return Pointer.wrap(RUNTIME, direct).address();
    }

    /** Passes a result on, or throws what errno says. */
    static int check(int result, String operation, String subject) throws SyscallException {
        if (result < 0) {
            throw new SyscallException(operation, subject, errno());
        }
        return result;
    }

    /** What is bound; public only because the binding library must see it. */
    public interface Calls {
        int open(String path, int flags, int mode);

        int close(int fd);

        int ioctl(int fd, long request, ByteBuffer argument);

        int ioctl(int fd, long request, long argument);

        int socket(int domain, int type, int protocol);

        int bind(int fd, @In ByteBuffer address, int length);

        int connect(int fd, @In ByteBuffer address, int length);

        int fchmod(int fd, int mode);

        int listen(int fd, int backlog);

        int accept4(int fd, long address, long length, int flags);

        int shutdown(int fd, int how);

        int setsockopt(int fd, int level, int option, @In ByteBuffer value, int length);

        long send(int fd, @In ByteBuffer data, long length, int flags);

        long send(int fd, long address, long length, int flags);

        long recvmsg(int fd, long message, int flags);

        long recv(int fd, @Out ByteBuffer data, long length, int flags);

        long read(int fd, long address, long length);

        long writev(int fd, long iovecs, int count);

        int sendmmsg(int fd, long messages, int count, int flags);

        int recvmmsg(int fd, long messages, int count, int flags, long timeout);

        int setns(int fd, int type);

        int unshare(int flags);

        int flock(int fd, int operation);

        int umask(int mask);

        int capget(ByteBuffer header, @Out ByteBuffer words);

        int capset(@In ByteBuffer header, @In ByteBuffer words);

        int setpriority(int which, int who, int priority);

        int clock_gettime(int clock, @Out ByteBuffer timespec);

        int adjtimex(ByteBuffer timex);

        int sched_setaffinity(int pid, long size, @In ByteBuffer mask);
    }
}

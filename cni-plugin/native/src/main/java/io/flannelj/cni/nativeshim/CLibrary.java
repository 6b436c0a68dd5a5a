package io.flannelj.cni.nativeshim;

import org.teavm.interop.Address;
import org.teavm.interop.Import;
import org.teavm.interop.c.Include;

/** The functions of the C library that the native shim calls. Pointers into Java arrays hold until the next allocation. */
final class CLibrary {
    static final int RDONLY_CLOEXEC_NONBLOCK = 0x80000 | 0x800;
    static final int STREAM_CLOEXEC = 1 | 0x80000;
    static final int NO_SIGNAL = 0x4000;
    static final int EINTR = 4;

    private CLibrary() {}

    static int errno() {
        return errnoLocation().getInt();
    }

    @Include("errno.h")
    @Import(name = "__errno_location")
    private static native Address errnoLocation();

    @Include("string.h")
    @Import(name = "strerror")
    static native Address strerror(int errno);

    @Include("stdlib.h")
    @Import(name = "getenv")
    static native Address getenv(Address name);

    @Include("stdlib.h")
    @Import(name = "calloc")
    static native Address calloc(int count, int bytes);

    @Include("stdlib.h")
    @Import(name = "exit")
    static native void exit(int status);

    @Include("unistd.h")
    @Import(name = "read")
    static native int read(int fd, Address bytes, int length);

    @Include("unistd.h")
    @Import(name = "write")
    static native int write(int fd, Address bytes, int length);

    @Include("unistd.h")
    @Import(name = "close")
    static native int close(int fd);

    @Include("unistd.h")
    @Import(name = "dup2")
    static native int dup2(int from, int to);

    @Include("unistd.h")
    @Import(name = "lseek")
    static native long lseek(int fd, long offset, int whence);

    @Include("unistd.h")
    @Import(name = "readlink")
    static native int readlink(Address path, Address into, int length);

    @Include("unistd.h")
    @Import(name = "execv")
    static native int execv(Address path, Address arguments);

    @Include("fcntl.h")
    @Import(name = "open")
    static native int open(Address path, int flags);

    @Include("sys/stat.h")
    @Import(name = "fstat")
    static native int fstat(int fd, Address stat);

    @Include("sys/mman.h")
    @Import(name = "memfd_create")
    static native int memfdCreate(Address name, int flags);

    @Include("sys/socket.h")
    @Import(name = "socket")
    static native int socket(int domain, int type, int protocol);

    @Include("sys/socket.h")
    @Import(name = "setsockopt")
    static native int setsockopt(int fd, int level, int option, Address value, int length);

    @Include("sys/socket.h")
    @Import(name = "getsockopt")
    static native int getsockopt(int fd, int level, int option, Address value, Address length);

    @Include("sys/socket.h")
    @Import(name = "connect")
    static native int connect(int fd, Address address, int length);

    @Include("sys/socket.h")
    @Import(name = "send")
    static native int send(int fd, Address bytes, int length, int flags);

    @Include("sys/socket.h")
    @Import(name = "sendmsg")
    static native int sendmsg(int fd, Address message, int flags);

    @Include("sys/socket.h")
    @Import(name = "recv")
    static native int recv(int fd, Address bytes, int length, int flags);
}

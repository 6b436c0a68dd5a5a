package io.flannelj.netns;

import io.flannelj.linux.Fd;
import io.flannelj.linux.NetworkNamespaces;
import io.flannelj.linux.SyscallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** An open network namespace. It exists at least as long as it is open. */
public final class Netns implements AutoCloseable {
    private final Fd fd;
    private final Path path;
    private final String identity;

    private Netns(Fd fd, Path path, String identity) {
        this.fd = fd;
        this.path = path;
        this.identity = identity;
    }

    /**
     * Opens a namespace by a file that stands for it, e.g. {@code /run/netns/blue} or {@code /proc/42/ns/net}.
     *
     * @throws IOException when the file is missing or something else; names it
     */
    public static Netns open(Path path) throws IOException {
        return open(path, path.toString());
    }

    /** The same, where others know the namespace by another name than the file that is opened here. */
    public static Netns open(Path path, String knownAs) throws IOException {
        Fd fd = Fd.openForReading(path);
        try {
            if (!NetworkNamespaces.isNetworkNamespace(fd)) {
                throw new IOException(knownAs + " is not a network namespace");
            }
            return new Netns(fd, path, identity(path));
        } catch (IOException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** The calling thread's namespace. */
    public static Netns current() throws IOException {
        return open(Path.of("/proc/thread-self/ns/net"));
    }

    /**
     * What tells a namespace from every other, however its file is called: {@code DEVICE:INODE} in decimal, for the kernel
     * has one inode for each (namespaces(7)).
     *
     * @throws IOException when there is no such file
     */
    public static String identity(Path path) throws IOException {
        Map<String, Object> found = Files.readAttributes(path, "unix:dev,ino");
        return found.get("dev") + ":" + found.get("ino");
    }

    public boolean isSameAs(Netns other) {
        return identity.equals(other.identity);
    }

    /** The descriptor's number, e.g. for a netlink request that moves a link there. */
    public int fd() {
        return fd.number();
    }

    void enter() throws SyscallException {
        NetworkNamespaces.enter(fd, path.toString());
    }

    @Override
    public void close() {
        fd.close();
    }
}

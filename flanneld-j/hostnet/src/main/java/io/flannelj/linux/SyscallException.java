package io.flannelj.linux;

import java.io.IOException;

/** The kernel said no: which operation, on what, and why. */
public final class SyscallException extends IOException {
    private static final long serialVersionUID = 1;

    private final String subject;
    private final int errno;

    /**
     * @param operation what was asked, e.g. {@code add route}
     * @param subject on what, e.g. {@code 10.5.2.0/24 via 192.168.0.2}
     * @param errno the kernel's positive error number
     */
    public SyscallException(String operation, String subject, int errno) {
        this(operation, subject, errno, "");
    }

    /**
     * @param explanation the kernel's own words, where it gave any; else empty
     */
    public SyscallException(String operation, String subject, int errno, String explanation) {
        super(operation + " " + subject + ": " + Errno.text(errno)
                + (explanation.isEmpty() ? "" : " (" + explanation + ")"));
        this.subject = subject;
        this.errno = errno;
    }

    public String subject() {
        return subject;
    }

    /** The positive error number. */
    public int errno() {
        return errno;
    }
}

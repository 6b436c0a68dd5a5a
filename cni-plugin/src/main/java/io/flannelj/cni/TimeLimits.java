package io.flannelj.cni;

/**
 * How long a call may take. The process that calls must not give up while the one that works still does: the runtime would delete
 * what is being made.
 */
public final class TimeLimits {
    /** How long the plugin's process waits for the daemon. */
    public static final int CALL_SECONDS = 60;

    /** How long another plugin may take, a DHCP server's answer with it; one call runs two at most, ADD and taking that back. */
    public static final int OTHER_PLUGIN_SECONDS = 25;

    private TimeLimits() {}
}

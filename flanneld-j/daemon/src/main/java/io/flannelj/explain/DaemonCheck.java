package io.flannelj.explain;

/** Whether this node's daemon runs and may send. */
final class DaemonCheck {
    static final String START = "systemctl start flanneld-j";
    static final String RESTART = "systemctl restart flanneld-j"; // starts it where it does not run
    static final String DOCTOR = "flanneld-j doctor";

    private DaemonCheck() {}

    static Finding judge(Host host) {
        DaemonFacts daemon = host.daemon();
        String node = host.node();
        if (daemon == null) {
            return Finding.broken(node, Hop.DAEMON, host.daemonProblem(), START);
        }
        if (!daemon.waitingFor().isEmpty()) {
            return Finding.broken(
                    node, Hop.DAEMON, "the daemon is not ready: " + daemon.waitingFor(), "flanneld-j status");
        }
        if (daemon.fenced()) {
            return Finding.broken(
                    node,
                    Hop.DAEMON,
                    "our lease " + String.join(", ", daemon.subnets())
                            + " has ended and could not be renewed: nothing is sent from it until the store answers"
                            + (daemon.storeProblem().isEmpty() ? "" : "; " + daemon.storeProblem()),
                    DOCTOR);
        }
        return Finding.ok(
                node,
                Hop.DAEMON,
                daemon.backend() + ", lease " + String.join(", ", daemon.subnets())
                        + (daemon.storeProblem().isEmpty() ? "" : "; the store does not answer"));
    }
}

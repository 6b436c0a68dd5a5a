package io.flannelj.main;

import io.flannelj.firewall.ForwardingCheck;
import io.flannelj.firewall.GuardDrops;
import io.flannelj.lease.loop.TaskThread;
import io.flannelj.net.IpFamily;
import io.flannelj.netlink.Forwarding;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the packet filter as a session needs it, and looks whether this host forwards. It has a thread of its own, since the
 * programs that it runs take as long as a busy host makes them, or a lock that somebody holds: the fence of the lease must not
 * wait for them.
 */
final class RuleUpkeep implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(RuleUpkeep.class);
    private static final Duration CHECK_FORWARDING_EVERY = Duration.ofSeconds(15);

    private final HostRules rules;
    private final RuleScope scope;
    private final NodeState state;
    private final BiConsumer<Troubles.Topic, String> onTrouble;
    private final TaskThread queue = new TaskThread("flannel-rules");
    private final AtomicBoolean checkingSources = new AtomicBoolean();
    private volatile GuardedTunnels tunnels;
    private boolean forwardingChecked;

    /**
     * Changes nothing yet.
     *
     * @param onTrouble told what is wrong, or with an empty text that nothing is; on this one's thread
     */
    RuleUpkeep(
            HostRules rules,
            RuleScope scope,
            NodeState state,
            GuardedTunnels tunnels,
            BiConsumer<Troubles.Topic, String> onTrouble) {
        this.rules = rules;
        this.scope = scope;
        this.state = state;
        this.tunnels = tunnels;
        this.onTrouble = onTrouble;
    }

    /**
     * Brings the rules into force before it returns; before {@link #start}.
     *
     * @throws IOException names the program that failed, and what it said
     */
    void enforce() throws IOException {
        rules.apply(scope, tunnels);
        rules.checkSources(scope, tunnels);
    }

    /** Puts right again and again from now on. */
    void start(Duration resync) {
        queue.run(this::checkForwarding);
        queue.run(() -> rules.removeUnused(scope.config()));
        queue.every(CHECK_FORWARDING_EVERY, this::checkForwarding);
        queue.every(resync, this::reconcile);
    }

    /**
     * What is guarded from now on; where it is another, the source check, which goes by peers, follows soon. The other rules
     * follow when it is their time, and what other programs change is put right then.
     */
    void follow(GuardedTunnels now) {
        boolean isOther = !now.equals(tunnels);
        tunnels = now;
        if (isOther && !checkingSources.getAndSet(true)) {
            queue.run(this::checkSources);
        }
    }

    /** The same, and all rules follow soon. */
    void followAtOnce(GuardedTunnels now) {
        tunnels = now;
        queue.run(this::reconcile);
    }

    /**
     * What has been asked for is in force first, or could not be brought into force.
     *
     * @param then called on this one's thread, unless it is closed before
     */
    void afterwards(Runnable then) {
        queue.run(then);
    }

    /** Puts the packet filter's rules in order, and counts what they dropped. */
    private void reconcile() {
        GuardedTunnels now = tunnels;
        try {
            countRepair(rules.apply(scope, now));
            countRepair(rules.checkSources(scope, now));
            GuardDrops drops = rules.newDrops(scope);
            state.droppedToTunnel.addAndGet(drops.toTunnel());
            state.droppedForged.addAndGet(drops.forgedSource());
            rules.logShortcoming(scope, now);
            onTrouble.accept(Troubles.Topic.FIREWALL, "");
        } catch (IOException e) {
            onTrouble.accept(Troubles.Topic.FIREWALL, "firewall rules cannot be checked: " + e.getMessage());
        }
    }

    private void checkSources() {
        checkingSources.set(false); // what follows from here on takes another check
        try {
            countRepair(rules.checkSources(scope, tunnels));
        } catch (IOException e) {
            onTrouble.accept(
                    Troubles.Topic.FIREWALL, "sources of other nodes' packets cannot be checked: " + e.getMessage());
        }
    }

    private void countRepair(boolean repaired) {
        if (repaired) {
            state.repairs.count(Repairs.Kind.FIREWALL);
            log.warn("firewall rules had been changed by another program; put right");
        }
    }

    /** Whether this host forwards at all: put right where that is one setting, else named. */
    private void checkForwarding() {
        if (tunnels.devices().isEmpty()) {
            return;
        }
        try {
            for (IpFamily family : scope.config().families()) {
                if (Forwarding.turnOn(family)) {
                    String setting = Forwarding.setting(family);
                    if (forwardingChecked) {
                        state.repairs.count(Repairs.Kind.SETTING);
                        log.warn("another program had turned {} off; it is on again", setting);
                    } else {
                        log.info("{} was off; it is on now, or nothing would reach pods", setting);
                    }
                }
            }
            forwardingChecked = true;
            onTrouble.accept(
                    Troubles.Topic.FORWARDING,
                    String.join(
                            "; ",
                            ForwardingCheck.obstacles(
                                    scope.config().networks(), scope.config().enableNftables())));
        } catch (IOException e) {
            onTrouble.accept(Troubles.Topic.FORWARDING, String.valueOf(e.getMessage()));
        }
    }

    /** Breaks off a program that takes more than a few seconds. The rules stay, for the next session or whoever ends the last. */
    @Override
    public void close() {
        queue.close();
    }
}

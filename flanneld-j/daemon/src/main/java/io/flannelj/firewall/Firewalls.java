package io.flannelj.firewall;

import io.flannelj.net.IpFamily;
import io.flannelj.net.PerFamily;
import io.flannelj.packetfilter.Change;
import java.io.IOException;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

/** One flavour of packet filter, which has tables of their own for the families. */
public final class Firewalls {
    private final Map<IpFamily, Firewall> firewalls = new EnumMap<>(IpFamily.class);
    private final Set<IpFamily> used = EnumSet.noneOf(IpFamily.class);

    public Firewalls(Function<IpFamily, Firewall> flavour) {
        for (IpFamily family : IpFamily.values()) {
            firewalls.put(family, flavour.apply(family));
        }
    }

    /**
     * Makes the rules of each family what they shall be.
     *
     * @param rules of each family that the network has
     * @return what had to be done
     * @throws IOException names the program that failed, and what it said
     */
    public Change apply(PerFamily<DesiredRules> rules) throws IOException {
        Change change = Change.NONE;
        for (IpFamily family : rules.families()) {
            used.add(family);
            change = change.and(of(family).apply(rules.require(family)));
        }
        return change;
    }

    private Firewall of(IpFamily family) {
        return Objects.requireNonNull(firewalls.get(family));
    }

    /** What the guard's rules of both families dropped, as the last {@link #apply} found it. */
    public GuardDrops drops() {
        return firewalls.values().stream().map(Firewall::drops).reduce(GuardDrops.NONE, GuardDrops::plus);
    }

    /** What of the rules this kernel cannot do, human-readable; empty when it can do all. */
    public String shortcoming() {
        return firewalls.values().stream()
                .map(Firewall::shortcoming)
                .filter(text -> !text.isEmpty())
                .findFirst()
                .orElse("");
    }

    /** Removes what {@link #apply} made. */
    public void remove() throws IOException {
        remove(used);
    }

    /** Removes what this or an earlier run may have made of these families. */
    public void remove(Set<IpFamily> families) throws IOException {
        for (IpFamily family : families) {
            of(family).remove();
        }
    }
}

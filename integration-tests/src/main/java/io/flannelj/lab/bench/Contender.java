package io.flannelj.lab.bench;

import io.flannelj.lab.Lab;
import java.nio.file.Path;
import java.util.Optional;

/** A way of carrying pod traffic between two nodes, that can be measured beside others. */
interface Contender {
    /** As the command line and the tables have it, e.g. {@code kernel-vxlan}. */
    String name();

    /** Why it cannot take part on this machine; empty when it can. */
    Optional<String> missing();

    /** Builds it on two fresh nodes with a pod each. Everything goes with the laboratory. */
    Rig build(Lab lab);

    /** A program that must be there. */
    static Optional<String> needs(Path program) {
        return program.toFile().canExecute() ? Optional.empty() : Optional.of(program + " is not there");
    }
}

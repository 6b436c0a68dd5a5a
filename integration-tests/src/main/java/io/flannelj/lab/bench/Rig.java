package io.flannelj.lab.bench;

import io.flannelj.lab.Lab;
import io.flannelj.lab.Node;
import io.flannelj.lab.Pod;
import io.flannelj.lab.Wait;
import java.time.Duration;
import java.util.List;

/**
 * A contender at work: two pods on two nodes that reach each other through it.
 *
 * @param daemons process ids of its daemons; none where the kernel does it all
 */
record Rig(Lab lab, Pod client, Pod server, List<Long> daemons) {
    Rig {
        daemons = List.copyOf(daemons);
    }

    /** Waits until the pods reach each other, and has the receiving pod listen. */
    Rig ready() {
        Wait.until(
                "the pods of " + client.node().namespace() + " reach each other",
                Duration.ofSeconds(30),
                () -> client.run("ping", "-c1", "-W1", server.address()).succeeded());
        Node node = server.node();
        node.startIn(server, "iperf3", "-s");
        Wait.until(
                "iperf3 listens",
                Duration.ofSeconds(5),
                () -> server.run("ss", "-ltn").output().contains(":5201"));
        return this;
    }

    /** Two pods wired without a plugin: 10.5.1.2 on the first node and 10.5.2.2 on the second. */
    static Rig byHand(Lab lab, int mtuBytes, List<Long> daemons) {
        Pod client = lab.node(1).addUnwiredPod().wireByHand("10.5.1", mtuBytes);
        Pod server = lab.node(2).addUnwiredPod().wireByHand("10.5.2", mtuBytes);
        return new Rig(lab, client, server, daemons);
    }
}

package io.flannelj.it;

import io.flannelj.lab.Lab;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.TestInstance;

/** Cases that share a cluster as long as each leaves it healthy; after one that does not, the next has a new one. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ExplainCases {
    private @Nullable ExplainedCluster shared;

    ExplainedCluster cluster() {
        ExplainedCluster open = shared;
        if (open == null) {
            open = ExplainedCluster.open("vxlan", Lab.Underlay.WIRE);
            shared = open;
        }
        return open;
    }

    @AfterEach
    void giveUpABrokenOne() {
        ExplainedCluster open = shared;
        if (open != null && !open.isWhole()) {
            close();
        }
    }

    @AfterAll
    void close() {
        ExplainedCluster open = shared;
        shared = null;
        if (open != null) {
            open.close();
        }
    }
}

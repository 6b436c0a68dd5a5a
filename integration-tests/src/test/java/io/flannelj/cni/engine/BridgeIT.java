package io.flannelj.cni.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.flannelj.it.NeedsPrivileges;
import io.flannelj.netlink.NetlinkSocket;
import io.flannelj.netns.NetnsThread;
import java.io.IOException;
import org.junit.jupiter.api.Test;

@NeedsPrivileges
class BridgeIT {
    /** As two processes do that both have found none. */
    @Test
    void aBridgeThatAnotherProcessMakesAtTheSameTimeIsTaken() throws IOException {
        NetnsThread.callInNew(() -> {
            BridgeConf conf = BridgeConf.parse(Json.object("{\"bridge\":\"twice\"}", "it"), "");
            try (NetlinkSocket netlink = NetlinkSocket.open()) {
                Bridge bridge = new Bridge(netlink, conf);
                int first = bridge.create().index();
                assertThat(bridge.create().index()).isEqualTo(first);
            }
            return "";
        });
    }
}

package io.flannelj.cni.engine;

import java.io.IOException;
import java.util.List;

/** An attachment's masquerading and port mappings, in the words of one program. */
interface AddressRules {
    void add(BridgeConf conf, List<Ipam.Ip> ips) throws IOException;

    /** Removes what is there. */
    void delete() throws IOException;

    /** Whether every rule is there that {@link #add} made. */
    boolean isComplete(BridgeConf conf, List<Ipam.Ip> ips, RuleListing listing) throws IOException;
}

package io.flannelj.cni.engine;

import io.flannelj.linux.Program;
import java.util.List;

/** Which program holds masquerading and port mappings; MAC addresses are always guarded by nft. */
enum FirewallKind {
    IPTABLES,
    NFTABLES;

    /** The one that was asked for; iptables when none was, unless only nft is installed. */
    static FirewallKind of(String name, Json fields, boolean needed) {
        fields.unless(
                List.of("", "iptables", "nftables").contains(name),
                "ipMasqBackend",
                "must be iptables or nftables, was \"" + name + "\"");
        boolean onlyNft = name.isEmpty() && needed && !Program.exists("iptables") && Program.exists("nft");
        return name.equals("nftables") || onlyNft ? NFTABLES : IPTABLES;
    }
}

package io.flannelj.fuzz;

import io.flannelj.net.Cidr;
import io.flannelj.net.SubnetEnv;
import org.jspecify.annotations.Nullable;

/** subnet.env: read or refused; what is read and written is read again as the same, and can be used. */
public final class SubnetEnvFuzz {
    private SubnetEnvFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        try {
            SubnetEnv env = SubnetEnv.parse(new Input(data).text());
            Promise.holds(env.mtuBytes() > 0, "no MTU: " + env);
            Promise.holds(isOf(env.network(), false) && isOf(env.subnet(), false), "not IPv4: " + env);
            Promise.holds(isOf(env.ipv6Network(), true) && isOf(env.ipv6Subnet(), true), "not IPv6: " + env);
            Promise.same(env, again(env), "written and read again");
        } catch (SubnetEnv.MalformedException e) {
            Promise.holds(e.getMessage() != null, "refused without a reason");
        }
    }

    private static SubnetEnv again(SubnetEnv env) {
        try {
            return SubnetEnv.parse(env.text());
        } catch (SubnetEnv.MalformedException e) {
            throw new AssertionError("written, and cannot be read: " + env, e);
        }
    }

    private static boolean isOf(@Nullable Cidr cidr, boolean ipv6) {
        return cidr == null || cidr.isIpv6() == ipv6;
    }
}

package io.flannelj.fuzz;

import io.flannelj.net.Cidr;
import io.flannelj.net.PerFamily;
import io.flannelj.net.SubnetEnv;

/** subnet.env: read or refused; what is read and written is read again as the same, and can be used. */
public final class SubnetEnvFuzz {
    private SubnetEnvFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        try {
            SubnetEnv env = SubnetEnv.parse(new Input(data).text());
            Promise.holds(env.mtuBytes() > 0, "no MTU: " + env);
            Promise.holds(areOfTheirFamily(env.networks()) && areOfTheirFamily(env.subnets()), "mixed: " + env);
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

    private static boolean areOfTheirFamily(PerFamily<Cidr> cidrs) {
        return cidrs.byFamily().entrySet().stream()
                .allMatch(entry -> entry.getValue().family() == entry.getKey());
    }
}

package io.flannelj.it;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import io.flannelj.cni.CniAnswer;
import io.flannelj.cni.Invocation;
import io.flannelj.cni.engine.CniEngine;
import java.util.Map;

/** Calls that Jazzer makes up, led by the branches that earlier ones took. Run by {@code CniFuzzIT} as {@link CniMutations} is. */
public final class CniFuzz {
    private static final String[] COMMANDS = {"ADD", "DEL", "CHECK", "STATUS", "GC"};
    private static final CniEngine ENGINE = new CniEngine(() -> "no daemon");

    private CniFuzz() {}

    /** Called by Jazzer. No namespace and no program can be reached, whatever it thinks of. */
    public static void fuzzerTestOneInput(FuzzedDataProvider data) {
        Map<String, String> variables = Map.of(
                "CNI_COMMAND", data.pickValue(COMMANDS),
                "CNI_CONTAINERID", data.consumeAsciiString(12),
                "CNI_IFNAME", data.consumeAsciiString(16),
                "CNI_ARGS", data.consumeAsciiString(40),
                "CNI_NETNS", data.consumeBoolean() ? "/run/none" : "",
                "CNI_PATH", "/nowhere");
        Invocation call = new Invocation(variables, data.consumeRemainingAsString());
        CniAnswer answer = ENGINE.handle(call);
        String problem = CniMutations.problem(answer);
        if (!problem.isEmpty()) {
            throw new AssertionError(problem + "\n  " + call + "\n  " + answer.stdout());
        }
    }
}

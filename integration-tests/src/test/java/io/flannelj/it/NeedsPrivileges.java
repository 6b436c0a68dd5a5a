package io.flannelj.it;

import io.flannelj.lab.Commands;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** For tests that make network namespaces: skipped, with the reason, where that is not allowed; in CI a failure instead. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(NeedsPrivileges.Condition.class)
public @interface NeedsPrivileges {
    class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            String missing = missing();
            if (missing.isEmpty()) {
                return ConditionEvaluationResult.enabled("namespaces, TUN devices and etcd are there");
            }
            if (LongRun.IN_CI) {
                throw new IllegalStateException("CI must not skip privileged tests: " + missing);
            }
            return ConditionEvaluationResult.disabled(missing);
        }

        private static String missing() {
            if (!System.getProperty("user.name").equals("root")) {
                return "not root";
            }
            if (!Files.exists(Path.of("/dev/net/tun"))) {
                return "no /dev/net/tun";
            }
            for (String program : new String[] {"ip", "etcd", "iptables", "nft", "ping", "ethtool"}) {
                if (!Commands.exists(program)) {
                    return program + " is not installed; run integration-tests/run";
                }
            }
            return "";
        }
    }
}

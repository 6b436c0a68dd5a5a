package io.flannelj.it;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * For tests that try at length, or over one more backend, what a shorter one tries too: CI runs them, and elsewhere they are
 * skipped with the reason. A test that merely repeats more in CI reads {@link #IN_CI}.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@EnabledIfEnvironmentVariable(named = "CI", matches = "true", disabledReason = "a long run: CI=true adds it")
public @interface LongRun {
    boolean IN_CI = "true".equals(System.getenv("CI"));
}

package io.flannelj.cni.main;

import io.flannelj.cni.shim.Shim;

/** The plugin on the JVM. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.exit(new Shim(new JvmHost()).run());
    }
}

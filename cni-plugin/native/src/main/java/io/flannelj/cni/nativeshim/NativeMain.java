package io.flannelj.cni.nativeshim;

import io.flannelj.cni.shim.Shim;

/** The plugin as a native program. */
public final class NativeMain {
    private NativeMain() {}

    public static void main(String[] arguments) {
        CLibrary.exit(new Shim(new NativeHost()).run());
    }
}

package io.flannelj.cni.engine;

import io.flannelj.linux.Sysctl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;

/** Names and switches of interfaces. */
final class Interfaces {
    private static final String ASSIGNED = "3"; // NET_ADDR_SET of linux/netdevice.h
    private static final SecureRandom RANDOM = new SecureRandom();

    private Interfaces() {}

    /** A name for the node's end of a pair, as the bridge plugin makes them. */
    static String randomName() {
        return "veth" + HexFormat.of().toHexDigits(RANDOM.nextInt());
    }

    /** Whether a program has given the interface its MAC address, so that the kernel keeps it. */
    static boolean hasFixedMac(String name) {
        try {
            return Files.readString(Path.of("/sys/class/net", name, "addr_assign_type"))
                    .strip()
                    .equals(ASSIGNED);
        } catch (IOException e) { // another namespace's /sys
            return false;
        }
    }

    /** Whether a kernel parameter has a value; not where it is absent. */
    static boolean is(String key, String value) {
        try {
            return Sysctl.read(key).equals(value);
        } catch (IOException e) {
            return false;
        }
    }

    /** Sets a kernel parameter that is good to have; where it is absent or read-only the pod still works. */
    static void set(String key, String value) {
        try {
            Sysctl.overwrite(key, value);
        } catch (IOException e) {
            return;
        }
    }
}

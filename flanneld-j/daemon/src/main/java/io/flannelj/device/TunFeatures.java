package io.flannelj.device;

/**
 * What the kernel agreed to hand over undone, and to take over undone.
 *
 * @param checksum transport checksums may be partial
 * @param tcpSegmentation TCP super-packets, both ways
 * @param udpSegmentation UDP super-packets, both ways; Linux 6.2 and newer
 */
public record TunFeatures(boolean checksum, boolean tcpSegmentation, boolean udpSegmentation) {
    public static final TunFeatures ALL = new TunFeatures(true, true, true);
    public static final TunFeatures NONE = new TunFeatures(false, false, false);
}

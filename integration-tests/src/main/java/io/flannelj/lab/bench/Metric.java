package io.flannelj.lab.bench;

/** What is measured of each contender. */
enum Metric {
    TCP1("TCP 1 stream", "Gbit/s", true),
    TCP1_BACK("TCP 1 back", "Gbit/s", true),
    TCP4("TCP 4 streams", "Gbit/s", true),
    TCP4_BACK("TCP 4 back", "Gbit/s", true),
    UDP64("UDP 64 B", "kpkt/s", true),
    UDP64_LOST("lost", "%", false),
    UDP1400("UDP 1400 B", "kpkt/s", true),
    UDP1400_LOST("lost", "%", false),
    RR_P50("round trip p50", "µs", false),
    RR_P99("p99", "µs", false),
    RR_P999("p999", "µs", false),
    /** Of both daemons, over the TCP runs. */
    DAEMON_CPU("daemons' CPU", "s/GB", false),
    /** Of everything on the machine, senders and receivers and kernel included, over the TCP runs. */
    MACHINE_CPU("machine's CPU", "s/GB", false),
    /** Of both daemons, over the run of small packets, by packet that arrived. */
    PACKET_CPU("CPU/64 B packet", "µs", false),
    SWITCHES("switches", "1/GB", false),
    RESIDENT("memory", "MiB", false);

    private final String title;
    private final String unit;
    private final boolean moreIsBetter;

    Metric(String title, String unit, boolean moreIsBetter) {
        this.title = title;
        this.unit = unit;
        this.moreIsBetter = moreIsBetter;
    }

    String title() {
        return title;
    }

    String unit() {
        return unit;
    }

    boolean moreIsBetter() {
        return moreIsBetter;
    }
}

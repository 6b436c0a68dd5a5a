package io.flannelj.probe.loop;

import io.flannelj.datapath.Peer;
import io.flannelj.probe.FeatureVerdict;
import io.flannelj.probe.PathState;
import io.flannelj.probe.Probe;

/** Through a tunnel whose packets our data path carries. */
final class TunnelWay implements Way {
    private final Carrier carrier;
    private final Peer peer;
    private final boolean clampMss;
    private boolean isSummed;

    /** @param clampMss whether new TCP connections are told of a narrow path */
    TunnelWay(Carrier carrier, Peer peer, boolean clampMss) {
        this.carrier = carrier;
        this.peer = peer;
        this.clampMss = clampMss;
        this.isSummed = !peer.isNeverSummed();
    }

    @Override
    public int send(Probe probe) {
        return carrier.send(probe, peer, isSummed);
    }

    @Override
    public long heard() {
        return peer.packetsIn();
    }

    @Override
    public void use(PathState state) {
        peer.limit(state.isNarrow() ? state.mtuBytes() : Integer.MAX_VALUE, clampMss);
        peer.damageRuns(state.segmentation() == FeatureVerdict.DAMAGES);
        peer.damageChecksums(!state.isSummed());
        isSummed = !peer.isNeverSummed() && state.checksum() != FeatureVerdict.DAMAGES;
    }
}

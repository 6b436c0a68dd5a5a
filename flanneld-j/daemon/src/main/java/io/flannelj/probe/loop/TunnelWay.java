package io.flannelj.probe.loop;

import io.flannelj.datapath.Peer;
import io.flannelj.probe.PathState;
import io.flannelj.probe.Probe;
import io.flannelj.probe.SegmentationVerdict;

/**
 * Through a tunnel whose packets our data path carries.
 *
 * @param clampMss whether new TCP connections are told of a narrow path
 */
record TunnelWay(Carrier carrier, Peer peer, boolean clampMss) implements Way {
    @Override
    public int send(Probe probe) {
        return carrier.send(probe, peer);
    }

    @Override
    public long heard() {
        return peer.packetsIn();
    }

    @Override
    public void use(PathState state) {
        peer.limit(state.isNarrow() ? state.mtuBytes() : Integer.MAX_VALUE, clampMss);
        peer.damageRuns(state.segmentation() == SegmentationVerdict.DAMAGES);
    }
}

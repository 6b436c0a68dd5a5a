package io.flannelj.datapath;

/** A running data path. */
public final class Datapath {}

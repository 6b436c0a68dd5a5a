package io.flannelj.config;

/** The cluster-wide network document. */
public record NetworkConfig() {}

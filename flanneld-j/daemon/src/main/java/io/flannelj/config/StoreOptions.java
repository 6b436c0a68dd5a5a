package io.flannelj.config;

/** Where leases are kept, and how to reach it. */
public sealed interface StoreOptions permits EtcdOptions, KubeOptions {}

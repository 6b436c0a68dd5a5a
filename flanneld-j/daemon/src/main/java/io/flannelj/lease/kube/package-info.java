/** The store of leases in Kubernetes: subnets from nodes' pod CIDRs, the rest in annotations. */
@NullMarked
package io.flannelj.lease.kube;

import org.jspecify.annotations.NullMarked;

/** The subnet store in etcd, with flannel's keys and values. */
@NullMarked
package io.flannelj.lease.etcd;

import org.jspecify.annotations.NullMarked;

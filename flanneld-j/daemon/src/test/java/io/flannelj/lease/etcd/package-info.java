@NullMarked
package io.flannelj.lease.etcd;

import org.jspecify.annotations.NullMarked;

@NullMarked
package io.flannelj.lease.kube;

import org.jspecify.annotations.NullMarked;

@NullMarked
package io.flannelj.lease.machine;

import org.jspecify.annotations.NullMarked;

@NullMarked
package io.flannelj.lease.loop;

import org.jspecify.annotations.NullMarked;

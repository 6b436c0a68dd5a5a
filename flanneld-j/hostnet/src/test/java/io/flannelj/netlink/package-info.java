@NullMarked
package io.flannelj.netlink;

import org.jspecify.annotations.NullMarked;

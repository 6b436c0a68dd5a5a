/** Cutting super-packets into segments and joining segments into super-packets. */
@NullMarked
package io.flannelj.datapath.offload;

import org.jspecify.annotations.NullMarked;

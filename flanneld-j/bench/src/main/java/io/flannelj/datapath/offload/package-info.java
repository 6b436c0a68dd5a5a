/** What the data path costs. */
@NullMarked
package io.flannelj.datapath.offload;

import org.jspecify.annotations.NullMarked;

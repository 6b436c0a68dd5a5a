/** What the data path costs. */
@NullMarked
package io.flannelj.datapath;

import org.jspecify.annotations.NullMarked;

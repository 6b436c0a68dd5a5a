/** Ways to carry pod traffic between nodes, told about peers and never watching the store. */
@NullMarked
package io.flannelj.backend;

import org.jspecify.annotations.NullMarked;

@NullMarked
package io.flannelj.datapath;

import org.jspecify.annotations.NullMarked;

@NullMarked
package io.flannelj.backend.vxlan;

import org.jspecify.annotations.NullMarked;

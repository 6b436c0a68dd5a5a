@NullMarked
package io.flannelj.backend.ipip;

import org.jspecify.annotations.NullMarked;

@NullMarked
package io.flannelj.recorder;

import org.jspecify.annotations.NullMarked;

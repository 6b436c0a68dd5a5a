@NullMarked
package io.flannelj.observe;

import org.jspecify.annotations.NullMarked;

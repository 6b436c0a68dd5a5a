@NullMarked
package io.flannelj.firewall;

import org.jspecify.annotations.NullMarked;

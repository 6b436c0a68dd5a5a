/** The command line: flannel's flags and the operator's commands. */
@NullMarked
package io.flannelj.cli;

import org.jspecify.annotations.NullMarked;

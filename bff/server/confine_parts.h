/* The two halves of confine(): each has a file of its own. errno tells why one was refused. */
#ifndef BFF_SERVER_CONFINE_PARTS_H
#define BFF_SERVER_CONFINE_PARTS_H

#include "server/confine.h"

/* Landlock, of this ABI: what files there are. `writable`: directories in which a worker makes and
 * removes files; one that cannot be opened is left out. */
BFF_MUST_CHECK bool confine_files(const struct config *config, const struct str *writable,
                                  size_t n_writable, long abi);

/* seccomp: what system calls there are. */
BFF_MUST_CHECK bool confine_calls(bool may_write_files);

#endif

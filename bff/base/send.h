/* All of a text, however many system calls that takes. false: errno says why. */
#ifndef BFF_BASE_SEND_H
#define BFF_BASE_SEND_H

#include "base/err.h"

/* To a socket; whoever is gone is EPIPE and no signal. */
BFF_MUST_CHECK bool send_all(int fd, struct str s);

/* To a file. */
BFF_MUST_CHECK bool write_all(int fd, struct str s);

#endif

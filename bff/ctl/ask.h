/*
 * Asking the bffd that runs on this host, over the socket that nginx uses: one FastCGI request
 * (FastCGI 1.0, sections 3 to 6), one answer. See server/exposition.h for why there is no other
 * socket. Who may write to it may ask.
 */
#ifndef BFF_CTL_ASK_H
#define BFF_CTL_ASK_H

#include "base/arena.h"
#include "core/config.h"

#define ASK_SECONDS 5         /* for each step of it */
#define ASK_MAX (1024 * 1024) /* of the answer */

/* The body of the answer, in `arena`. false: *message is a sentence with address and reason. */
BFF_MUST_CHECK bool ask_bffd(const struct config *config, struct str leg, struct arena *arena,
                             struct str *body, struct str *message);

#endif

/*
 * FastCGI's records, for the hot lane. libfcgi reads with blocking calls, allocates for each
 * request and trusts the lengths it is given (2.4.2 adds two 31-bit lengths into an int:
 * CVE-2025-23016). So the hot lane looks at the bytes first (recv with MSG_PEEK). What is whole it
 * reads and answers by itself, and that is every question of nginx; what has a body it hands over
 * when it is sane.
 *
 *   BEGIN_REQUEST(responder)  PARAMS...  PARAMS(empty)  STDIN...        FastCGI 1.0, sections 3 and
 * 6
 *
 * Pure: bytes in, verdict out, and bytes out.
 */
#ifndef BFF_SERVER_RECORDS_H
#define BFF_SERVER_RECORDS_H

#include "base/buf.h"

#define RECORDS_MAX (64 * 1024) /* a request whose params do not end within this is refused */

enum records_verdict {
    RECORDS_PARTIAL, /* more must come */
    RECORDS_READY,   /* all of it is there; of one with a body its params and the first header */
    RECORDS_BROKEN   /* not what a web server sends: close */
};

struct records_request {
    unsigned id;
    bool keeps_connection; /* the other side wants it kept */
    bool has_body;         /* STDIN is not empty; its rest may still be on its way */
    size_t size;           /* of all its records, where it has no body; or 0 */
    struct str pairs;      /* its params, where they stand in one record; or empty */
};

/* *out is set with READY only. Views in it point into `bytes`. */
enum records_verdict records_scan(struct str bytes, struct records_request *out);

/* Cuts the first name and value off `pairs`, which records_scan() has found to be sane: false at
 * their end. */
bool records_next_pair(struct str *pairs, struct str *name, struct str *value);

/* Room that an answer of so many bytes takes. */
size_t records_answer_size(size_t bytes);

/* The records of a whole answer: STDOUT (`head`, then `body`), its end, and the request's. */
void records_add_answer(struct buf *b, unsigned id, struct str head, struct str body);

#endif

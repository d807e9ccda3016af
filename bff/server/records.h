/*
 * FastCGI's records, for the hot lane. libfcgi reads with blocking calls, allocates for each
 * request and trusts the lengths it is given, in a request's params and in management records,
 * which may stand anywhere (2.4.2 adds two 31-bit lengths into an int: CVE-2025-23016). So the hot
 * lane looks at the bytes first, until a request is whole. What has no body it reads by itself, and
 * that is every question of nginx; what has one it then hands over (server/fcgx.h).
 *
 *   BEGIN_REQUEST(responder)  PARAMS...  PARAMS(empty)  STDIN...  STDIN(empty)
 *                                                       FastCGI 1.0, sections 3 and 6
 *
 * Pure: bytes in, verdict out, and bytes out.
 */
#ifndef BFF_SERVER_RECORDS_H
#define BFF_SERVER_RECORDS_H

#include "base/buf.h"

/* What params are refused beyond, and a body; and a request, records' headers and padding included.
 * A socket's buffer, from which libfcgi reads it, holds more. */
#define RECORDS_PARAMS_MAX (64 * 1024)
#define RECORDS_BODY_MAX (64 * 1024)
#define RECORDS_MAX (RECORDS_PARAMS_MAX + RECORDS_BODY_MAX + 16 * 1024)

enum records_verdict {
    RECORDS_PARTIAL, /* more must come */
    RECORDS_READY,   /* all of it is there */
    RECORDS_BROKEN   /* not what a web server sends, or too large: close */
};

struct records_request {
    unsigned id;
    bool keeps_connection; /* the other side wants it kept */
    size_t body;           /* bytes in STDIN */
    size_t size;           /* of all its records */
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

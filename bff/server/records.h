/*
 * Is a FastCGI request complete in the socket's buffer? libfcgi reads with blocking calls and
 * trusts the lengths it is given (2.4.2 adds two 31-bit lengths into an int: CVE-2025-23016), so
 * the hot lane looks at the bytes first (recv with MSG_PEEK) and hands over only what is whole and
 * sane.
 *
 *   BEGIN_REQUEST(responder)  PARAMS...  PARAMS(empty)  STDIN...        FastCGI 1.0, sections 3 and
 * 6
 *
 * Pure: bytes in, verdict out.
 */
#ifndef BFF_SERVER_RECORDS_H
#define BFF_SERVER_RECORDS_H

#include "base/str.h"

#define RECORDS_MAX (64 * 1024) /* a request whose params do not end within this is refused */

enum records_verdict {
    RECORDS_PARTIAL, /* more must come */
    RECORDS_READY,   /* all params are there, and the first STDIN record's header */
    RECORDS_BROKEN   /* not what a web server sends: close */
};

/* *has_body: STDIN is not empty; its rest may still be on its way. Set with READY only. */
enum records_verdict records_scan(struct str bytes, bool *has_body);

#endif

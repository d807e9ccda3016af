/*
 * A request with a body, as libfcgi reads it: from a socket of its own, in which all of the request
 * stands and nothing behind it. So libfcgi's blocking reads never wait, and its trust in lengths is
 * in what records_scan() has looked at. Answers are not its business.
 */
#ifndef BFF_SERVER_FCGX_H
#define BFF_SERVER_FCGX_H

#include <fcgiapp.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* Read the params of a request of so many bytes, which are copied. false: no memory, no descriptor,
 * or it is none; there is nothing to close then. */
BFF_MUST_CHECK bool fcgx_open(FCGX_Request *r, struct str request);

bool fcgx_is_open(const FCGX_Request *r);

/* The next bytes of its body, at most `room` of them and at least one; 0: that was all. */
size_t fcgx_take(FCGX_Request *r, char *to, size_t room);

bool fcgx_failed(const FCGX_Request *r); /* the body did not end as it should */

/* Wipe what it holds and give it back; once closed, or never opened, is fine. */
void fcgx_close(FCGX_Request *r);

#endif

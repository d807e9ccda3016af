/*
 * Times as backends write them, in seconds since the epoch. Pure: no clock, no time zone of ours.
 */
#ifndef BFF_CODEC_DATE_H
#define BFF_CODEC_DATE_H

#include "base/str.h"

/*
 * ISO 8601 as Python and Django REST framework write it: 2026-11-21T10:52:48.123456Z, with 'T' or a
 * blank, with or without seconds, a fraction (cut off) and an offset (Z, +01:00, +0100, +01; none
 * is UTC). Nothing may follow. False for anything else, and for a day that does not exist.
 */
bool date_read_iso(struct str text, int64_t *out);

/* The date of a cookie's Expires, by the lenient algorithm of RFC 6265, 5.1.1. */
bool date_read_cookie(struct str text, int64_t *out);

#endif

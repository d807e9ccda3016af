/*
 * A session's record between Redis and struct session: the list of strings that the scripts answer
 * with, and the sealing of what must not be read there. No connection, no clock.
 *
 * The list: now, generation, access, its end, refresh, its end, claims, created, last touch, when
 * the access token was granted; times in milliseconds since the epoch by Redis' clock, an end of 0
 * meaning "not known".
 */
#ifndef BFF_STORE_RECORD_H
#define BFF_STORE_RECORD_H

#include "store/store.h"

#define RECORD_FIELDS 10
#define RECORD_LIFE_MAX_MS (100 * 365 * INT64_C(86400000)) /* a longer life is cut to this */

struct record {
    int64_t now_ms;
    uint64_t generation;
    struct str access, refresh, claims; /* sealed; refresh may be empty: there is none */
    int64_t access_end_ms, refresh_end_ms;
    int64_t created_ms, seen_ms, granted_ms;
};

/* Views in *out are those of `fields`. BFF_ERR_MALFORMED: not RECORD_FIELDS of them, a number that
 * is none, or generation 0. *out is untouched on failure. */
BFF_MUST_CHECK enum bff_err record_read(const struct str *fields, size_t n, struct record *out);

/* The durations and the generation of *out; the rest is left alone. */
void record_times(const struct config *config, const struct record *record, struct session *out);

/* The whole session. BFF_ERR_SEAL_BROKEN, BFF_ERR_NO_MEMORY; *out is undefined on failure. */
BFF_MUST_CHECK enum bff_err record_open(const struct config *config, const struct keyring *keys,
                                        const struct session_name *name,
                                        const struct record *record, struct arena *arena,
                                        struct session *out);

struct record_sealed {
    struct str access, refresh, claims; /* refresh is empty when there is none */
};

/* Seal tokens and claims for a generation. BFF_ERR_NO_MEMORY. */
BFF_MUST_CHECK enum bff_err record_seal(const struct keyring *keys, const struct session_name *name,
                                        uint64_t generation, const struct session_tokens *tokens,
                                        struct arena *arena, struct record_sealed *out);

#endif

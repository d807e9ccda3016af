/*
 * A session's record between Redis and struct session. No connection, no clock.
 *
 * A record is one string: fields, as scripts/session.lua packs them (numbers big-endian), then what
 * is sealed for this cookie, key and generation (codec/seal.h):
 *
 *   version(1) state(1) generation(4) created(6) seen(6) granted(6) access_end(6) refresh_end(6)
 *   epoch(7) commit(8) user(16) device(2)
 *   | lease(6) backoff(6) ambiguous(6) fails(1) owner(8) | sealed
 *
 * In state 0, at rest, which is nearly always, the second group is not there.
 *
 * Times are milliseconds since the epoch by Redis' clock, an end of 0 meaning "not known". Sealed
 * is a row of packed texts (codec/pack.h): the access token, the refresh token, the user's id, the
 * user. The version is that of all of it, the list of phrases included.
 */
#ifndef BFF_STORE_RECORD_H
#define BFF_STORE_RECORD_H

#include "store/store.h"

#define RECORD_VERSION 1
#define RECORD_FIELDS_BYTES 69
#define RECORD_REFRESH_BYTES 27
#define RECORD_LIFE_MAX_MS (100 * 365 * INT64_C(86400000)) /* a longer life is cut to this */
#define RECORD_TEXT_MAX (64 * 1024)                        /* no token or user is longer */

struct record {
    int64_t now_ms; /* when Redis read it */
    uint64_t generation;
    uint64_t epoch; /* of the newest lease */
    int64_t access_end_ms, refresh_end_ms;
    int64_t created_ms, seen_ms, granted_ms;
    bool is_ambiguous; /* a lease ran out in this generation */
    struct str user;   /* the name of the user's set (store/user_set.h) */
    struct device device;
    struct str sealed; /* empty in what was just stored */
};

/* Views in *out are those of `value`. BFF_ERR_MALFORMED: too short, of an unknown
 * version, or generation 0. *out is untouched on failure. */
BFF_MUST_CHECK enum bff_err record_read(int64_t now_ms, struct str value, struct record *out);

/* The durations and the generation of *out; the rest is left alone. */
void record_times(const struct config *config, const struct record *record, struct session *out);

/* What it says in the open, of the session with this hash. */
void record_show(const struct record *record, const unsigned char hash[SESSION_HASH_BYTES],
                 struct user_session *out);

/* Is its time over? Its key may still stand, for limits may have been shortened. */
bool record_is_over(const struct config *config, const struct record *record);

enum record_part {
    RECORD_ALL,
    RECORD_WITHOUT_REFRESH /* the refresh token is left packed, and empty in *out */
};

/* The whole session. BFF_ERR_SEAL_BROKEN, BFF_ERR_NO_MEMORY; *out is undefined on failure. */
BFF_MUST_CHECK enum bff_err record_open(const struct config *config, const struct keyring *keys,
                                        const struct session_name *name,
                                        const struct record *record, enum record_part part,
                                        struct arena *arena, struct session *out);

/* Seal tokens and claims for a generation. BFF_ERR_NO_MEMORY. *out is in `arena`. */
BFF_MUST_CHECK enum bff_err record_seal(const struct keyring *keys, const struct session_name *name,
                                        uint64_t generation, const struct session_tokens *tokens,
                                        struct arena *arena, struct str *out);

#endif

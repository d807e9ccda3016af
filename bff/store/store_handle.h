/*
 * The inside of a store handle, shared by the files that make up store.h's functions:
 * store.c (the handle), store_session.c (load, create, log out), store_refresh.c (the refresh), and
 * reader.c (loads without waiting).
 */
#ifndef BFF_STORE_STORE_HANDLE_H
#define BFF_STORE_STORE_HANDLE_H

#include "store/reading.h"
#include "store/record.h"
#include "store/script.h"
#include "store/topology.h"

#define CHANNEL_MAX (REDIS_PREFIX_MAX + 8)
#define REDIS_MAJOR_MIN 6

struct store {
    const struct config *config;
    const struct keyring *keys;
    struct topology topology;
    struct connection *connection; /* the one in use */
    struct scripts scripts;
    char channel[CHANNEL_MAX];
    size_t channel_length;
    int64_t redirect;    /* wanted */
    int64_t tracked_for; /* as told to Redis on this connection */
    bool has_lost_reads; /* a connection with tracked reads is gone */
    bool was_sent;       /* the last command got as far as a connection */
    int64_t asked_ms;    /* when what is taken now was asked for: clock_mono_ms() */
};

static inline struct str handle_key(const struct session_name *name)
{
    return (struct str){name->key, name->key_length};
}

/* The arguments that every script begins with (scripts/session.lua). */
void handle_args(const struct store *s, struct script_args *args);
void handle_add_life(struct script_args *args, int64_t life_ms);

/* Of a token that may not be there: then there is no life. */
void handle_add_refresh_life(struct script_args *args, const struct session_tokens *tokens);

/* The server number `i`, ready; false: there are no more, or *err says what is wrong. */
bool handle_server(struct store *s, size_t i, struct connection **out, enum bff_err *err);

/* Connected to the server that has this key (empty: to any), which has been told who hears of what
 * is read. */
BFF_MUST_CHECK enum bff_err handle_connect(struct store *s, struct str key);

/* Connect if need be and read what stands at the session's key; free it on BFF_OK. */
BFF_MUST_CHECK enum bff_err handle_read(struct store *s, const struct session_name *name,
                                        struct reading *out);

/* What store_load() makes of that: `err`, `session` and `touch_due`. */
void handle_take(struct store *s, const struct reading *reading, struct store_load *load);

/* Connect if need be and run; free the reply on BFF_OK. */
BFF_MUST_CHECK enum bff_err handle_run(struct store *s, enum script which,
                                       const struct session_name *name,
                                       const struct script_args *args, struct script_reply *out);

/* The record in a reply of REPLY_RECORD values: when it was read, and it. BFF_ERR_SEAL_BROKEN: a
 * record that is not readable was not written by us. */
#define REPLY_RECORD 2
BFF_MUST_CHECK enum bff_err handle_read_record(const struct script_reply *reply,
                                               struct record *out);

/* A wait that a script tells, cut to `longest_ms`: a Redis whose clock was set back may tell any,
 * which added to ours would lead anywhere. false, and *out is untouched: it is none. */
#define WAIT_MAX_MS (24 * INT64_C(3600000))
BFF_MUST_CHECK bool handle_read_wait(struct str text, int64_t longest_ms, int64_t *out);

/* BFF_ERR_SEAL_BROKEN, BFF_ERR_NO_MEMORY. *out is untouched on failure. */
BFF_MUST_CHECK enum bff_err handle_open(const struct store *s, const struct session_name *name,
                                        const struct record *record, enum record_part part,
                                        struct arena *arena, struct session *out);

/* What was just stored: the texts from us, the times (kept in *record) from Redis. */
BFF_MUST_CHECK enum bff_err handle_stored(struct store *s, const struct session_tokens *tokens,
                                          const struct script_reply *reply, struct arena *arena,
                                          struct session *out, struct record *record);

#endif

/*
 * Sessions in Redis. One string per session (store/record.h), named by a hash of the cookie; its
 * tokens are sealed with the cookie (codec/seal.h). It is read by a plain GET; every change is one
 * Lua script, time is Redis TIME, and a refresh is a compare-and-swap on the generation:
 *
 *   BEGIN(seen) -> COMMIT | REJECT | FAIL
 *
 * A handle is one connection and belongs to one thread. It reconnects by itself: a call on a broken
 * connection fails once with BFF_ERR_STORE_UNAVAILABLE and the next one connects anew; after any
 * time-out or protocol error the connection is dropped, so a late reply is never taken for another.
 * A call is never repeated by itself, except when it provably was not executed: connecting failed
 * on a connection that had been idle, NOSCRIPT (the script is then loaded), with sentinels
 * READONLY or NOREPLICAS (they are asked for the primary), and in a cluster MOVED and ASK. But for
 * BEGIN, which Redis knows by its attempt's name. One server that says READONLY is asked by its
 * name again, for as long as a command may take: Redis may be moving to another one.
 *
 * All functions that return enum bff_err may return BFF_ERR_STORE_UNAVAILABLE (not connected,
 * time-out, LOADING, READONLY, OOM, MOVED, any error reply, a reply of another shape) and
 * BFF_ERR_NO_MEMORY. What went wrong last is a sentence in store_last_error(), free of secrets.
 */
#ifndef BFF_STORE_STORE_H
#define BFF_STORE_STORE_H

#include "base/arena.h"
#include "codec/seal.h"
#include "core/config.h"
#include "core/device.h"

#define REDIS_PREFIX_MAX 32
#define SESSION_KEY_MAX 64 /* prefix + "s:{" + 22 characters of base64url + "}" + NUL */

struct store;

struct store_options {
    const struct config *config;  /* [redis], [session] and [refresh]; outlives the store */
    const struct keyring *keys;   /* outlives the store */
    struct str password;          /* of redis.password_file; copied, wiped at close */
    struct str sentinel_password; /* of redis.sentinel_password_file; likewise */
    int64_t redirect_client;      /* the invalidation subscriber (store/watch.h), 0: none */
};

/* Does not connect yet. NULL: out of memory. */
struct store *store_open(const struct store_options *options);
void store_close(struct store *s); /* NULL is fine */

/* What the watch names itself in a cluster: each server there tells only of its own keys, and there
 * is one watch. It hears of the ends of refreshes, but nothing that is read is tracked. */
#define WATCH_UNTRACKED INT64_C(-1)

/* Reads done from now on are tracked for this subscriber, as the watch names it (CLIENT TRACKING ON
 * REDIRECT id); 0: not tracked. Takes effect with the next call, which sends it when it changed. */
void store_redirect(struct store *s, int64_t subscriber);

/* The subscriber for which the reads of the last call were tracked; 0: they were not. What was read
 * untracked, or for a subscriber that is gone, must not be cached. */
int64_t store_tracked_for(const struct store *s);

/* Has a connection gone since the last call through which tracked reads were done? Redis forgets
 * with it who had read what, and tells nobody: all that was cached from it must be forgotten. */
bool store_lost_reads(struct store *s);

/* While it is not used: is that connection still open? If not, store_lost_reads() will say so. */
void store_look(struct store *s);

const char *store_last_error(const struct store *s);

/* The name of a session: made once per request. Holds the cookie: wipe with the request. */
struct session_name {
    struct str cookie; /* view of the 43 characters */
    unsigned char hash[SESSION_HASH_BYTES];
    char key[SESSION_KEY_MAX]; /* NUL-terminated Redis key */
    size_t key_length;
};
void session_name_make(const struct config *config, struct str cookie, struct session_name *out);

/* The name of a session of which only that is known. Nothing of it opens. */
void session_name_of_hash(const struct config *config, const unsigned char hash[SESSION_HASH_BYTES],
                          struct session_name *out);

/* The cookie's hash out of a Redis key (what watch reports); false when it is not a session's. */
BFF_MUST_CHECK bool session_key_hash(const struct config *config, struct str key,
                                     unsigned char hash[SESSION_HASH_BYTES]);

/* A session as it stood when Redis answered. Durations count from `asked_ms`, a moment before that:
 * however late the answer is looked at, nothing in it lasts longer. Views in the caller's arena. */
struct session {
    int64_t asked_ms;    /* our monotonic clock */
    uint64_t generation; /* 1 after login, +1 with every refresh */
    struct str access;
    struct str refresh; /* empty when there is none, and where it is only looked at: LOAD, FRESH */
    struct str user_id, user; /* as in codec/backend.h */
    int64_t access_left_ms;   /* <= 0: expired; TOKEN_LIFE_UNKNOWN */
    int64_t access_life_ms;   /* when it was granted; TOKEN_LIFE_UNKNOWN */
    int64_t idle_left_ms;
    int64_t absolute_left_ms; /* the nearer of the absolute limit and the refresh token's end */
    int64_t since_touch_ms;   /* since activity was last written down */
    int64_t created_ms;       /* Redis' clock, milliseconds since the epoch */
    struct device device;     /* that signed in */
};

/*
 * Read a session: one round trip; a second one when `touch` and the last touch is older than
 * session.touch_interval, to extend its idle time.
 * BFF_ERR_MISSING: there is none (or it ended). BFF_ERR_SEAL_BROKEN: it does not open with this
 * cookie and these keys, or what stands at its key is no record of a version known here. A refresh
 * and a sign-out then find no session, and the latter deletes what is there.
 */
BFF_MUST_CHECK enum bff_err store_load(struct store *s, const struct session_name *name, bool touch,
                                       struct arena *arena, struct session *out);

/* The same of a session whose touch is known to be due: one round trip. */
BFF_MUST_CHECK enum bff_err store_touch(struct store *s, const struct session_name *name,
                                        struct arena *arena, struct session *out);

/* A load that nobody waits for: see store/reader.h. */
struct store_load {
    const struct session_name *name;
    struct arena *arena;
    bool touch;
    bool touch_due; /* with `touch`: there is a session, and only store_touch() reads it */
    enum bff_err err;
    struct session session;
    int64_t tracked_for; /* store_tracked_for() when it was read */
};

/* What login or a refresh brought; lives as in codec/backend.h. */
struct session_tokens {
    struct str access, refresh;
    int64_t access_life_ms, refresh_life_ms;
    struct str user_id, user; /* empty at a refresh: keep what is stored */
    struct device device;     /* of a login */
};

/* Create the session, generation 1, and note it in its user's set (best effort, a separate command:
 * another slot in a cluster; expired members are trimmed there). BFF_ERR_DUPLICATE: the key exists.
 * BFF_ERR_MALFORMED: the refresh token's life is over already. *out is the session as stored. */
BFF_MUST_CHECK enum bff_err store_create(struct store *s, const struct session_name *name,
                                         const struct session_tokens *tokens, struct arena *arena,
                                         struct session *out);

enum begin_result {
    BEGIN_NONE,    /* there is no such session (any more) */
    BEGIN_FRESH,   /* the generation moved on since `seen`: *session is the newer one */
    BEGIN_BUSY,    /* another worker is at it; look again in wait_ms (or when watch says so) */
    BEGIN_BACKOFF, /* the backend failed just now; not before wait_ms */
    BEGIN_GO,      /* ours: call the backend with session->refresh, then commit, reject or fail */
    BEGIN_REJECTED /* a rejection stood the grace and has now ended the session */
};

#define STORE_LOOK_AGAIN_MS 250

struct begin {
    enum begin_result result;
    int64_t wait_ms;
    uint64_t epoch;         /* of our lease, for GO; no two leases have the same */
    bool ambiguous;         /* GO: an earlier holder's lease ran out in this generation */
    struct session session; /* for FRESH and GO */
};

/*
 * Ask to refresh. `seen` is the generation whose access token is expired or was refused; 0 means
 * "whatever is stored". Writes the intent before the backend is called, which also proves that
 * Redis takes writes. wait_ms is at most STORE_LOOK_AGAIN_MS for BUSY: who waits looks again that
 * often though a message of the end may be lost. Each call is an attempt with a name of its own;
 * where its answer may have been lost, or a GO was read so late that the lease may be over, it is
 * asked for once more, and known by the name.
 * BFF_ERR_SEAL_BROKEN as in store_load().
 */
BFF_MUST_CHECK enum bff_err store_begin(struct store *s, const struct session_name *name,
                                        uint64_t seen, struct arena *arena, struct begin *out);

enum commit_result {
    COMMIT_STORED, /* or had been stored by us already: it can be repeated */
    COMMIT_GONE,   /* the session ended meanwhile: revoke the new tokens */
    COMMIT_STALE   /* the generation had moved on without us: revoke nothing, look again */
};

/*
 * Store what the refresh of old->generation brought. The lease's epoch does not matter: a late
 * holder carries the only valid successor, even when Redis went back behind it. An empty
 * tokens->refresh keeps the old refresh token, which is `old->refresh` (everything is sealed anew
 * for generation + 1). *out is the new session.
 */
BFF_MUST_CHECK enum bff_err store_commit(struct store *s, const struct session_name *name,
                                         const struct session *old,
                                         const struct session_tokens *tokens, struct arena *arena,
                                         enum commit_result *result, struct session *out);

enum reject_result {
    REJECT_ENDED,     /* the session is deleted */
    REJECT_WAIT,      /* an earlier holder may still commit: look again (BEGIN) in *wait_ms */
    REJECT_SUPERSEDED /* generation or epoch moved on, or the session is gone: look again */
};
BFF_MUST_CHECK enum bff_err store_reject(struct store *s, const struct session_name *name,
                                         uint64_t generation, uint64_t epoch,
                                         enum reject_result *result, int64_t *wait_ms);

/* Release the lease and back off: refresh.backoff_min, doubled with every failure in a row up to
 * backoff_max, less up to a quarter of it at random, so that sessions do not come back in step.
 * `is_probe`: the backend was known to be away, so this says nothing of the session, and
 * backoff_min will do. *wait_ms: until the next attempt is allowed. Nothing happens if generation
 * or epoch moved on. */
BFF_MUST_CHECK enum bff_err store_fail(struct store *s, const struct session_name *name,
                                       uint64_t generation, uint64_t epoch, bool is_probe,
                                       int64_t *wait_ms);

/*
 * End the session, and take it out of its user's set (best effort). BFF_ERR_MISSING: there was
 * none. *ended is the record as it was deleted, in the same step: its refresh token is the newest
 * one, which is what must be revoked. BFF_ERR_SEAL_BROKEN: deleted, but it did not open. A COMMIT
 * that comes later finds it GONE.
 */
BFF_MUST_CHECK enum bff_err store_logout(struct store *s, const struct session_name *name,
                                         struct arena *arena, struct session *ended);

/* What counts the attempts to sign in to one account: PREFIX"a:{"keyed hash of its name"}". */
struct attempt_name {
    char key[SESSION_KEY_MAX]; /* NUL-terminated Redis key */
    size_t key_length;
};
void attempt_name_make(const struct store *s, struct str account, struct attempt_name *out);

/* An attempt begins, and counts as failed. *wait_ms: none is made now, but may be after that; 0: go
 * on. */
BFF_MUST_CHECK enum bff_err store_attempt_begin(struct store *s, const struct attempt_name *name,
                                                int64_t *wait_ms);

/* It has not failed: with `succeeded` all that did are forgotten, else nobody can say and only this
 * one is. */
BFF_MUST_CHECK enum bff_err store_attempt_end(struct store *s, const struct attempt_name *name,
                                              bool succeeded);

/* One of a user's sessions, as its record says in the open. */
struct user_session {
    unsigned char hash[SESSION_HASH_BYTES];
    int64_t created_ms, seen_ms; /* Redis' clock, milliseconds since the epoch */
    struct device device;
};

/*
 * The sessions of a user, as many as there is room for. Nobody has those of an empty id. Those that
 * began while a key sealed that is not in the ring any more are not found.
 */
BFF_MUST_CHECK enum bff_err store_user_sessions(struct store *s, struct str user_id,
                                                struct user_session *out, size_t room, size_t *n);

/*
 * End a session without its cookie, and take it out of its user's set. Its tokens open with that
 * cookie only, so nobody can revoke them: they are gone here, and end at the backend by themselves.
 * BFF_ERR_MISSING: there was none.
 */
BFF_MUST_CHECK enum bff_err store_end(struct store *s,
                                      const unsigned char hash[SESSION_HASH_BYTES]);

/*
 * For operators: every session there is, one after the other, with the name of its user's set (not
 * of a user: 16 bytes, all zero for tokens that say nothing of theirs). `visit` may end it; false
 * from it ends the walk. A session that begins or ends meanwhile may be missed, and none is shown
 * for which its record is over. Needs the right to SCAN, which bffd itself does without.
 */
struct store_visit {
    struct user_session session;
    struct str user;
};
BFF_MUST_CHECK enum bff_err
store_each_session(struct store *s, bool (*visit)(const struct store_visit *v, void *self),
                   void *self);

/* The names that the set of this user may have: one by each key. */
bool store_is_user(const struct store *s, struct str user_id, struct str user);

/* Connect if need be, PING, and refuse a Redis that would evict sessions: BFF_ERR_MALFORMED with a
 * sentence in store_last_error() that says what to set (maxmemory-policy noeviction). */
BFF_MUST_CHECK enum bff_err store_check(struct store *s);

#endif

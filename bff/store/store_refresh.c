#include <sys/random.h>

#include "base/clock.h"
#include "store/store_handle.h"
#include "store/user_set.h"

#define SEALED_BYTES (256 * 1024) /* two tokens and the claims of the largest size fit */
#define JITTER_MAX 250            /* thousandths of a back-off */
#define SHORT_NAME_BYTES 8        /* of an attempt, of a commit: as the record has them */

static bool is_go(const struct script_reply *reply)
{
    return script_reply_is(reply, STR("GO"), REPLY_RECORD);
}

/* GO or FRESH. */
static enum bff_err read_begun(struct store *s, const struct session_name *name,
                               const struct script_reply *reply, struct arena *arena,
                               struct begin *out)
{
    struct record record;
    enum bff_err err = handle_read_record(reply, &record);
    if (err != BFF_OK)
        return err;
    out->result = is_go(reply) ? BEGIN_GO : BEGIN_FRESH;
    out->epoch = record.epoch;
    out->ambiguous = record.is_ambiguous;
    return handle_open(s, name, &record, is_go(reply) ? RECORD_ALL : RECORD_WITHOUT_REFRESH, arena,
                       &out->session);
}

static enum bff_err read_begin(struct store *s, const struct session_name *name,
                               const struct script_reply *reply, struct arena *arena,
                               struct begin *out)
{
    struct begin begin = {.result = BEGIN_NONE};
    enum bff_err err = BFF_OK;
    if (is_go(reply) || script_reply_is(reply, STR("FRESH"), REPLY_RECORD)) {
        err = read_begun(s, name, reply, arena, &begin);
    } else if (script_reply_is(reply, STR("BUSY"), 1) &&
               handle_read_wait(reply->values[0], STORE_LOOK_AGAIN_MS, &begin.wait_ms)) {
        begin.result = BEGIN_BUSY;
    } else if (script_reply_is(reply, STR("BACKOFF"), 1) &&
               handle_read_wait(reply->values[0], WAIT_MAX_MS, &begin.wait_ms)) {
        begin.result = BEGIN_BACKOFF;
    } else if (script_reply_is(reply, STR("REJECTED"), 1)) {
        begin.result = BEGIN_REJECTED;
        user_set_remove(&s->topology, s->connection, s->config, reply->values[0], name);
    } else if (!script_reply_is(reply, STR("NONE"), 0)) {
        err = script_misunderstood(s->connection);
    }
    if (err == BFF_OK)
        *out = begin;
    return err;
}

enum bff_err store_begin(struct store *s, const struct session_name *name, uint64_t seen,
                         struct arena *arena, struct begin *out)
{
    struct script_args args;
    char attempt[SHORT_NAME_BYTES];
    if (getrandom(attempt, sizeof attempt, 0) != (ssize_t)sizeof attempt)
        return BFF_ERR_NO_MEMORY;
    handle_args(s, &args);
    script_add_number(&args, (int64_t)seen);
    script_add(&args, (struct str){attempt, sizeof attempt});
    script_add_number(&args, s->config->refresh.lease_ms);
    script_add_number(&args, s->config->refresh.grace_ms);
    script_add_number(&args, STORE_LOOK_AGAIN_MS);
    struct script_reply reply;
    int64_t asked_ms = clock_mono_ms();
    enum bff_err err = handle_run(s, SCRIPT_BEGIN, name, &args, &reply);
    /* Perhaps only the answer was lost. Not asked for again, the lease would stand until its end
     * with nobody at work, and the session with it. */
    bool is_lost = err == BFF_ERR_STORE_UNAVAILABLE && s->was_sent;
    /* Read so late, after a stop, that the lease may be another's by now, and the token spent. */
    bool is_late =
        err == BFF_OK && is_go(&reply) && clock_mono_ms() - asked_ms >= s->config->refresh.lease_ms;
    if (is_late)
        script_reply_free(&reply);
    if (is_lost || is_late)
        err = handle_run(s, SCRIPT_BEGIN, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    err = read_begin(s, name, &reply, arena, out);
    script_reply_free(&reply);
    return err;
}

static enum bff_err read_commit(struct store *s, const struct session_tokens *tokens,
                                const struct script_reply *reply, struct arena *arena,
                                enum commit_result *result, struct session *out)
{
    struct record record;
    enum bff_err err = BFF_OK;
    if (script_reply_is(reply, STR("STORED"), REPLY_RECORD)) {
        err = handle_stored(s, tokens, reply, arena, out, &record);
        *result = COMMIT_STORED;
    } else if (script_reply_is(reply, STR("GONE"), 0)) {
        *result = COMMIT_GONE;
    } else if (script_reply_is(reply, STR("STALE"), 0)) {
        *result = COMMIT_STALE;
    } else {
        err = script_misunderstood(s->connection);
    }
    return err;
}

static enum bff_err commit_sealed(struct store *s, const struct session_name *name,
                                  uint64_t generation, const struct session_tokens *tokens,
                                  bool is_rotated, struct str sealed, struct arena *arena,
                                  enum commit_result *result, struct session *out)
{
    /* The same tokens have the same name, whoever brings them again; without the server key it
     * tells nothing about them. */
    struct keyed_name commit;
    keyed_name_make(s->keys, tokens->access, &commit);
    struct script_args args;
    handle_args(s, &args);
    script_add_number(&args, (int64_t)generation);
    script_add(&args, (struct str){commit.bytes, SHORT_NAME_BYTES});
    script_add(&args, sealed);
    handle_add_life(&args, tokens->access_life_ms);
    if (is_rotated)
        handle_add_refresh_life(&args, tokens);
    else
        script_add(&args, STR("kept"));
    struct script_reply reply;
    enum bff_err err = handle_run(s, SCRIPT_COMMIT, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    err = read_commit(s, tokens, &reply, arena, result, out);
    script_reply_free(&reply);
    return err;
}

enum bff_err store_commit(struct store *s, const struct session_name *name,
                          const struct session *old, const struct session_tokens *tokens,
                          struct arena *arena, enum commit_result *result, struct session *out)
{
    struct session_tokens merged = *tokens;
    bool is_rotated = tokens->refresh.n > 0;
    if (!is_rotated)
        merged.refresh = old->refresh;
    if (tokens->user_id.n == 0)
        merged.user_id = old->user_id;
    if (tokens->user.n == 0)
        merged.user = old->user;
    /* Of its own, because a commit is tried again and again while Redis is away: what it takes must
     * not add up until the caller's arena is full and the tokens are lost. */
    struct arena scratch = arena_make(SEALED_BYTES);
    struct str sealed;
    enum bff_err err = record_seal(s->keys, name, old->generation + 1, &merged, &scratch, &sealed);
    if (err == BFF_OK)
        err = commit_sealed(s, name, old->generation, &merged, is_rotated, sealed, arena, result,
                            out);
    arena_free(&scratch);
    return err;
}

static uint32_t random_below(uint32_t limit)
{
    uint32_t n = 0;
    /* Without entropy there is no jitter, which does no harm. */
    if (getrandom(&n, sizeof n, GRND_NONBLOCK) != sizeof n)
        n = 0;
    return n % limit;
}

static void lease_args(const struct store *s, uint64_t generation, uint64_t epoch,
                       struct script_args *args)
{
    handle_args(s, args);
    script_add_number(args, (int64_t)generation);
    script_add_number(args, (int64_t)epoch);
}

enum bff_err store_reject(struct store *s, const struct session_name *name, uint64_t generation,
                          uint64_t epoch, enum reject_result *result, int64_t *wait_ms)
{
    *wait_ms = 0;
    struct script_args args;
    lease_args(s, generation, epoch, &args);
    struct script_reply reply;
    enum bff_err err = handle_run(s, SCRIPT_REJECT, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    if (script_reply_is(&reply, STR("ENDED"), 1)) {
        *result = REJECT_ENDED;
        user_set_remove(&s->topology, s->connection, s->config, reply.values[0], name);
    } else if (script_reply_is(&reply, STR("WAIT"), 1) &&
               handle_read_wait(reply.values[0], WAIT_MAX_MS, wait_ms)) {
        *result = REJECT_WAIT;
    } else if (script_reply_is(&reply, STR("SUPERSEDED"), 0)) {
        *result = REJECT_SUPERSEDED;
    } else {
        err = script_misunderstood(s->connection);
    }
    script_reply_free(&reply);
    return err;
}

enum bff_err store_fail(struct store *s, const struct session_name *name, uint64_t generation,
                        uint64_t epoch, bool is_probe, int64_t *wait_ms)
{
    *wait_ms = 0;
    const struct config *config = s->config;
    struct script_args args;
    lease_args(s, generation, epoch, &args);
    script_add_number(&args, config->refresh.backoff_min_ms);
    script_add_number(&args,
                      is_probe ? config->refresh.backoff_min_ms : config->refresh.backoff_max_ms);
    script_add_number(&args, random_below(JITTER_MAX + 1));
    struct script_reply reply;
    enum bff_err err = handle_run(s, SCRIPT_FAIL, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    bool is_backoff = script_reply_is(&reply, STR("BACKOFF"), 1);
    if (is_backoff ? !handle_read_wait(reply.values[0], WAIT_MAX_MS, wait_ms)
                   : !script_reply_is(&reply, STR("SUPERSEDED"), 0))
        err = script_misunderstood(s->connection);
    script_reply_free(&reply);
    return err;
}

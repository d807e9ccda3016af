/*
 * The store's calls to a Redis that answers anything: each ends with what its contract names, and
 * what it gives keeps to its limits. Input: a byte that chooses the call, then what Redis says.
 */
#include "codec/backend.h"
#include "fuzz_redis.h"

static void check_error(const struct store *s, enum bff_err e)
{
    demand(strnlen(s->topology.error, CONNECTION_ERROR_MAX) < CONNECTION_ERROR_MAX);
    demand(e == BFF_OK || e == BFF_ERR_STORE_UNAVAILABLE || e == BFF_ERR_MISSING ||
           e == BFF_ERR_SEAL_BROKEN || e == BFF_ERR_DUPLICATE || e == BFF_ERR_MALFORMED);
    if (e == BFF_ERR_STORE_UNAVAILABLE)
        demand(s->topology.error[0] != 0);
}

static void check_session(enum bff_err e, const struct session *session)
{
    if (e == BFF_OK)
        demand(session->generation > 0 && session->access.n <= BACKEND_TOKEN_MAX);
}

static enum bff_err load(struct store *s, const struct session_name *name, bool touch,
                         struct arena *arena)
{
    struct session session;
    enum bff_err e = store_load(s, name, touch, arena, &session);
    check_session(e, &session);
    return e;
}

static enum bff_err begin(struct store *s, const struct session_name *name, struct arena *arena)
{
    struct begin begin = {.result = BEGIN_NONE};
    enum bff_err e = store_begin(s, name, 1, arena, &begin);
    if (e != BFF_OK)
        return e;
    demand(begin.wait_ms >= 0 && begin.wait_ms <= WAIT_MAX_MS);
    demand(begin.result != BEGIN_BUSY || begin.wait_ms <= STORE_LOOK_AGAIN_MS);
    if (begin.result == BEGIN_GO || begin.result == BEGIN_FRESH)
        check_session(e, &begin.session);
    return e;
}

static enum bff_err commit(struct store *s, const struct session_name *name, struct arena *arena)
{
    const struct session old = {.generation = 1, .access = STR("a"), .refresh = STR("r")};
    const struct session_tokens tokens = {
        .access = STR("b"), .access_life_ms = 300000, .refresh_life_ms = TOKEN_LIFE_UNKNOWN};
    enum commit_result result;
    struct session out;
    enum bff_err e = store_commit(s, name, &old, &tokens, arena, &result, &out);
    if (e == BFF_OK && result == COMMIT_STORED)
        demand(str_eq(out.access, STR("b")) && str_eq(out.refresh, STR("r")));
    return e;
}

static enum bff_err create(struct store *s, const struct session_name *name, struct arena *arena)
{
    const struct session_tokens tokens = {.access = STR("b"),
                                          .refresh = STR("r"),
                                          .access_life_ms = 300000,
                                          .refresh_life_ms = 86400000,
                                          .user_id = STR("7"),
                                          .user = STR("{}")};
    struct session out;
    enum bff_err e = store_create(s, name, &tokens, arena, &out);
    if (e == BFF_OK)
        demand(str_eq(out.access, STR("b")) && str_eq(out.user_id, STR("7")));
    return e;
}

static enum bff_err reject(struct store *s, const struct session_name *name)
{
    enum reject_result result;
    int64_t wait_ms = 0;
    enum bff_err e = store_reject(s, name, 1, 1, &result, &wait_ms);
    demand(e != BFF_OK || (wait_ms >= 0 && wait_ms <= WAIT_MAX_MS));
    return e;
}

static enum bff_err attempt(struct store *s)
{
    struct attempt_name name;
    int64_t wait_ms = 0;
    attempt_name_make(s, STR("aann"), &name);
    enum bff_err e = store_attempt_begin(s, &name, &wait_ms);
    demand(e != BFF_OK || (wait_ms >= 0 && wait_ms <= WAIT_MAX_MS));
    return e == BFF_OK ? store_attempt_end(s, &name, true) : e;
}

static enum bff_err list(struct store *s)
{
    struct user_session found[5];
    size_t n = 0;
    enum bff_err e = store_user_sessions(s, STR("7"), found, 5, &n);
    demand(n <= 5);
    return e;
}

static bool visit(const struct store_visit *v, void *self)
{
    size_t *n = self;
    demand(v->user.n == SESSION_HASH_BYTES);
    return ++*n < 20;
}

static enum bff_err call(struct store *s, uint8_t which, struct arena *arena)
{
    struct session_name name;
    struct session ended;
    size_t n = 0;
    int64_t wait_ms = 0;
    session_name_make(s->config, STR(COOKIE), &name);
    switch (which % 14) {
    case 0:
        return load(s, &name, false, arena);
    case 1:
        return load(s, &name, true, arena);
    case 2:
        return begin(s, &name, arena);
    case 3:
        return commit(s, &name, arena);
    case 4:
        return reject(s, &name);
    case 5:
        return store_fail(s, &name, 1, 1, false, &wait_ms);
    case 6:
        return store_logout(s, &name, arena, &ended);
    case 7:
        return create(s, &name, arena);
    case 8:
        return attempt(s);
    case 9:
        return list(s);
    case 10:
        return store_end(s, name.hash);
    case 11:
        return store_each_session(s, visit, &n);
    case 12:
        s->scripts.sha[SCRIPT_FAIL][0] = 0; /* it must be loaded first */
        return store_fail(s, &name, 1, 1, true, &wait_ms);
    default:
        return store_check(s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store *s;
    struct str said = {(const char *)data, size};
    uint8_t which = take_byte(&said);
    if (!s)
        s = redis_store();
    if (has_long_array(said))
        return 0;
    struct arena arena = arena_make(1 << 20);
    int fd = redis_says(s, said);
    check_error(s, call(s, which, &arena));
    close(fd);
    connection_drop(s->connection);
    arena_free(&arena);
    return 0;
}

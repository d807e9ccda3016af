#include "store/record.h"

#include <string.h>

#include "base/wipe.h"
#include "codec/backend.h"

#define TIME_MAX_MS ((uint64_t)1 << 53) /* what Lua's numbers hold exactly */

static bool read_time(struct str field, int64_t *out)
{
    uint64_t n;
    if (!str_to_u64(field, TIME_MAX_MS, &n))
        return false;
    *out = (int64_t)n;
    return true;
}

enum bff_err record_read(const struct str *fields, size_t n, struct record *out)
{
    struct record r;
    if (n != RECORD_FIELDS)
        return BFF_ERR_MALFORMED;
    r.access = fields[2];
    r.refresh = fields[4];
    r.claims = fields[6];
    if (!read_time(fields[0], &r.now_ms) || !str_to_u64(fields[1], TIME_MAX_MS, &r.generation) ||
        !read_time(fields[3], &r.access_end_ms) || !read_time(fields[5], &r.refresh_end_ms) ||
        !read_time(fields[7], &r.created_ms) || !read_time(fields[8], &r.seen_ms) ||
        !read_time(fields[9], &r.granted_ms) || r.generation == 0)
        return BFF_ERR_MALFORMED;
    *out = r;
    return BFF_OK;
}

void record_times(const struct config *config, const struct record *r, struct session *out)
{
    int64_t end = r->created_ms + (int64_t)config->session.absolute_s * 1000;
    if (r->refresh_end_ms > 0 && r->refresh_end_ms < end)
        end = r->refresh_end_ms;
    out->generation = r->generation;
    out->access_left_ms = r->access_end_ms > 0 ? r->access_end_ms - r->now_ms : TOKEN_LIFE_UNKNOWN;
    out->access_life_ms =
        r->access_end_ms > 0 ? r->access_end_ms - r->granted_ms : TOKEN_LIFE_UNKNOWN;
    out->idle_left_ms = r->seen_ms + (int64_t)config->session.idle_s * 1000 - r->now_ms;
    out->absolute_left_ms = end - r->now_ms;
    out->since_touch_ms = r->now_ms - r->seen_ms;
    out->created_ms = r->created_ms;
}

static struct seal_place place_of(const struct session_name *name, uint64_t generation,
                                  struct str field)
{
    return (struct seal_place){
        .cookie = name->cookie,
        .key_name = {name->key, name->key_length},
        .generation = generation,
        .field = field,
    };
}

/* Claims are two texts in one sealed field: the length of the first in decimal, ':', both. */
static enum bff_err split_claims(struct str plain, struct session *out)
{
    struct str_cut cut = str_cut(plain, ':');
    uint64_t n;
    if (!cut.found || !str_to_u64(cut.head, cut.tail.n, &n))
        return BFF_ERR_SEAL_BROKEN;
    out->user_id = (struct str){cut.tail.p, (size_t)n};
    out->user = (struct str){cut.tail.p + n, cut.tail.n - (size_t)n};
    return BFF_OK;
}

static enum bff_err join_claims(struct str user_id, struct str user, struct arena *arena,
                                struct str *out)
{
    struct str length;
    if (!arena_printf(arena, &length, "%zu:", user_id.n))
        return BFF_ERR_NO_MEMORY;
    char *p = arena_alloc(arena, length.n + user_id.n + user.n);
    if (!p)
        return BFF_ERR_NO_MEMORY;
    memcpy(p, length.p, length.n);
    if (user_id.n > 0)
        memcpy(p + length.n, user_id.p, user_id.n);
    if (user.n > 0)
        memcpy(p + length.n + user_id.n, user.p, user.n);
    *out = (struct str){p, length.n + user_id.n + user.n};
    return BFF_OK;
}

enum bff_err record_open(const struct config *config, const struct keyring *keys,
                         const struct session_name *name, const struct record *r,
                         struct arena *arena, struct session *out)
{
    *out = (struct session){0};
    record_times(config, r, out);
    struct seal_key key = {0};
    struct seal_place place = place_of(name, r->generation, STR("access"));
    place.kept = &key;
    enum bff_err err = unseal(keys, &place, r->access, arena, &out->access);
    place.field = STR("refresh");
    if (err == BFF_OK && r->refresh.n > 0)
        err = unseal(keys, &place, r->refresh, arena, &out->refresh);
    struct str claims = {NULL, 0};
    place.field = STR("claims");
    if (err == BFF_OK)
        err = unseal(keys, &place, r->claims, arena, &claims);
    wipe(&key, sizeof key);
    return err == BFF_OK ? split_claims(claims, out) : err;
}

enum bff_err record_seal(const struct keyring *keys, const struct session_name *name,
                         uint64_t generation, const struct session_tokens *tokens,
                         struct arena *arena, struct record_sealed *out)
{
    *out = (struct record_sealed){0};
    struct seal_place place = place_of(name, generation, STR("access"));
    enum bff_err err = seal(keys, &place, tokens->access, arena, &out->access);
    place.field = STR("refresh");
    if (err == BFF_OK && tokens->refresh.n > 0)
        err = seal(keys, &place, tokens->refresh, arena, &out->refresh);
    struct str claims = {NULL, 0};
    if (err == BFF_OK)
        err = join_claims(tokens->user_id, tokens->user, arena, &claims);
    place.field = STR("claims");
    return err == BFF_OK ? seal(keys, &place, claims, arena, &out->claims) : err;
}

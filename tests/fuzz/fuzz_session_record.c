/*
 * What may stand at a session's key: record_read() and record_open() take it or refuse. Input: a
 * record. '@' where what is sealed begins stands for "as if we had sealed this ourselves", so that
 * what lies behind the seal is reached as well.
 */
#include <string.h>

#include "codec/backend.h"
#include "fuzz_keys.h"
#include "store/record.h"

#define NOW_MS INT64_C(1700003600000)

/* Seal what '@' asks for, for the generation that the record claims to have. */
static void seal_marked(struct record *r, const struct session_name *name, struct arena *arena)
{
    struct seal_place place = {
        .cookie = name->cookie,
        .key_name = {name->key, name->key_length},
        .generation = r->generation,
        .field = STR("record"),
    };
    if (!str_starts(r->sealed, STR("@")))
        return;
    struct str plain = {r->sealed.p + 1, r->sealed.n - 1};
    demand(seal(the_keys(), &place, plain, arena, &r->sealed) == BFF_OK);
}

static void demand_consistent(const struct session *s, const struct record *r)
{
    demand(s->generation == r->generation && s->generation > 0);
    demand(s->since_touch_ms == r->now_ms - r->seen_ms);
    demand((s->access_left_ms == TOKEN_LIFE_UNKNOWN) == (r->access_end_ms == 0));
    demand(s->access.n <= RECORD_TEXT_MAX && s->refresh.n <= RECORD_TEXT_MAX);
    demand(s->user.n <= RECORD_TEXT_MAX && s->user_id.n <= RECORD_TEXT_MAX);
}

/* What was read is sealed again and read as the same. */
static void demand_repeatable(const struct config *config, const struct session_name *name,
                              const struct session *s, struct record r, struct arena *arena)
{
    struct session_tokens tokens = {.access = s->access, .refresh = s->refresh};
    struct session again;
    tokens.user_id = s->user_id;
    tokens.user = s->user;
    demand(record_seal(the_keys(), name, r.generation, &tokens, arena, &r.sealed) == BFF_OK);
    demand(record_open(config, the_keys(), name, &r, RECORD_ALL, arena, &again) == BFF_OK);
    demand(str_eq(again.access, s->access) && str_eq(again.refresh, s->refresh));
    demand(str_eq(again.user_id, s->user_id) && str_eq(again.user, s->user));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config = {.redis.prefix = STR("bff:"),
                            .session = {.idle_s = 3600, .absolute_s = 86400}};
    struct session_name name;
    session_name_make(&config, STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &name);
    struct arena arena = arena_make(8 << 20);
    the_keys();
    struct record record = {.generation = 42};
    enum bff_err err = record_read(NOW_MS, (struct str){(const char *)data, size}, &record);
    if (err != BFF_OK) {
        demand(err == BFF_ERR_MALFORMED && record.generation == 42);
        return 0;
    }
    seal_marked(&record, &name, &arena);
    struct session session;
    err = record_open(&config, the_keys(), &name, &record, RECORD_ALL, &arena, &session);
    demand(err == BFF_OK || err == BFF_ERR_SEAL_BROKEN);
    if (err == BFF_OK) {
        demand_consistent(&session, &record);
        demand_repeatable(&config, &name, &session, record, &arena);
    }
    arena_free(&arena);
    return 0;
}

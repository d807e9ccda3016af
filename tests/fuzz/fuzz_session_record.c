/*
 * What Redis may answer for a session's record: record_read() and record_open() take it or refuse.
 * Input: the record's fields, one on each line. '@' in front of a field stands for "as if we had
 * sealed this ourselves", so that what lies behind the seal is reached as well.
 */
#include <string.h>

#include "codec/backend.h"
#include "fuzz_keys.h"
#include "store/record.h"

#define FIELDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str field_name(size_t index)
{
    return index == 2 ? STR("access") : index == 4 ? STR("refresh") : STR("claims");
}

/* Seal what '@' asks for, for the generation that the record claims to have. */
static void seal_marked(struct str *fields, size_t n, const struct session_name *name,
                        struct arena *arena)
{
    struct seal_place place = {
        .cookie = name->cookie,
        .key_name = {name->key, name->key_length},
    };
    if (n < 2 || !str_to_u64(fields[1], UINT64_MAX, &place.generation))
        return;
    for (size_t i = 2; i < n; i++) {
        if (!str_starts(fields[i], STR("@")))
            continue;
        place.field = field_name(i);
        struct str plain = {fields[i].p + 1, fields[i].n - 1};
        demand(seal(the_keys(), &place, plain, arena, &fields[i]) == BFF_OK);
    }
}

static void demand_consistent(const struct session *s, const struct record *r)
{
    demand(s->generation == r->generation && s->generation > 0);
    demand(s->since_touch_ms == r->now_ms - r->seen_ms);
    demand((s->access_left_ms == TOKEN_LIFE_UNKNOWN) == (r->access_end_ms == 0));
    demand(s->refresh.n <= r->refresh.n);
    demand(s->user.n + s->user_id.n <= r->claims.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config = {.redis.prefix = STR("bff:"),
                            .session = {.idle_s = 3600, .absolute_s = 86400}};
    struct session_name name;
    session_name_make(&config, STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &name);
    struct arena arena = arena_make(4 << 20);
    struct str fields[FIELDS_MAX];
    struct str_cut cut = {.tail = {(const char *)data, size}, .found = true};
    size_t n = 0;
    while (cut.found && n < FIELDS_MAX) {
        cut = str_cut(cut.tail, '\n');
        fields[n++] = cut.head;
    }
    the_keys();
    seal_marked(fields, n, &name, &arena);
    struct record record = {.generation = 42};
    enum bff_err err = record_read(fields, n, &record);
    if (err != BFF_OK) {
        demand(err == BFF_ERR_MALFORMED && record.generation == 42);
    } else {
        struct session session;
        err = record_open(&config, the_keys(), &name, &record, &arena, &session);
        demand(err == BFF_OK || err == BFF_ERR_SEAL_BROKEN);
        if (err == BFF_OK)
            demand_consistent(&session, &record);
    }
    arena_free(&arena);
    return 0;
}

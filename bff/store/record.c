#include "store/record.h"

#include <string.h>

#include "codec/backend.h"
#include "codec/pack.h"
#include "store/user_set.h"

#define SEALED_TEXTS 4
#define SCRATCH_BYTES (512 * 1024) /* for packing texts of the largest size */

/* The fields' places, in the order in which they stand. */
enum place {
    AT_VERSION = 0,
    AT_STATE = 1,
    AT_GENERATION = 2,
    AT_CREATED = 6,
    AT_SEEN = 12,
    AT_GRANTED = 18,
    AT_ACCESS_END = 24,
    AT_REFRESH_END = 30,
    AT_EPOCH = 36,
    AT_USER = 51,
    AT_DEVICE = 67,
    AT_REFRESH = 69, /* or what is sealed */
    AT_AMBIGUOUS = 81
};

#define STATE_AT_REST 0

_Static_assert(AT_REFRESH == RECORD_FIELDS_BYTES, "one group ends where the next begins");
_Static_assert(AT_DEVICE - AT_USER == KEYED_NAME_BYTES, "a user's name fits");

static uint64_t read_number(struct str value, enum place at, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | (unsigned char)value.p[(size_t)at + i];
    return n;
}

static int64_t read_time(struct str value, enum place at)
{
    return (int64_t)read_number(value, at, 6);
}

enum bff_err record_read(int64_t now_ms, struct str value, struct record *out)
{
    if (value.n < RECORD_FIELDS_BYTES || value.p[AT_VERSION] != RECORD_VERSION)
        return BFF_ERR_MALFORMED;
    bool is_at_rest = value.p[AT_STATE] == STATE_AT_REST;
    size_t sealed_at = RECORD_FIELDS_BYTES + (is_at_rest ? 0 : RECORD_REFRESH_BYTES);
    if (value.n < sealed_at || read_number(value, AT_GENERATION, 4) == 0)
        return BFF_ERR_MALFORMED;
    *out = (struct record){
        .now_ms = now_ms,
        .generation = read_number(value, AT_GENERATION, 4),
        .epoch = read_number(value, AT_EPOCH, 7),
        .created_ms = read_time(value, AT_CREATED),
        .seen_ms = read_time(value, AT_SEEN),
        .granted_ms = read_time(value, AT_GRANTED),
        .access_end_ms = read_time(value, AT_ACCESS_END),
        .refresh_end_ms = read_time(value, AT_REFRESH_END),
        .is_ambiguous = !is_at_rest && read_time(value, AT_AMBIGUOUS) > 0,
        .user = {value.p + AT_USER, KEYED_NAME_BYTES},
        .device = {.browser = (uint8_t)value.p[AT_DEVICE],
                   .system = (uint8_t)value.p[AT_DEVICE + 1]},
        .sealed = {value.p + sealed_at, value.n - sealed_at},
    };
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
    out->device = r->device;
}

void record_show(const struct record *r, const unsigned char hash[SESSION_HASH_BYTES],
                 struct user_session *out)
{
    *out = (struct user_session){
        .created_ms = r->created_ms, .seen_ms = r->seen_ms, .device = r->device};
    memcpy(out->hash, hash, SESSION_HASH_BYTES);
}

/* As ends_at() has it in the scripts. */
bool record_is_over(const struct config *config, const struct record *r)
{
    struct session s;
    record_times(config, r, &s);
    return s.idle_left_ms <= 0 || s.absolute_left_ms <= 0;
}

static struct seal_place place_of(const struct session_name *name, uint64_t generation)
{
    return (struct seal_place){
        .cookie = name->cookie,
        .key_name = {name->key, name->key_length},
        .generation = generation,
        .field = STR("record"),
    };
}

/* What the seal has shown to be ours is still read as if it were not. */
static enum bff_err unpack_row(struct str row, enum record_part part, struct arena *arena,
                               struct session *out)
{
    struct str *texts[SEALED_TEXTS] = {&out->access, &out->refresh, &out->user_id, &out->user};
    enum bff_err err = BFF_OK;
    for (size_t i = 0; err == BFF_OK && i < SEALED_TEXTS; i++) {
        struct str packed;
        if (!pack_next(&row, &packed))
            return BFF_ERR_SEAL_BROKEN;
        if (texts[i] != &out->refresh || part == RECORD_ALL)
            err = unpack(packed, RECORD_TEXT_MAX, arena, texts[i]);
    }
    return err == BFF_ERR_MALFORMED || (err == BFF_OK && row.n > 0) ? BFF_ERR_SEAL_BROKEN : err;
}

enum bff_err record_open(const struct config *config, const struct keyring *keys,
                         const struct session_name *name, const struct record *r,
                         enum record_part part, struct arena *arena, struct session *out)
{
    *out = (struct session){0};
    record_times(config, r, out);
    struct seal_place place = place_of(name, r->generation);
    struct str row;
    enum bff_err err = unseal(keys, &place, r->sealed, arena, &row);
    return err == BFF_OK ? unpack_row(row, part, arena, out) : err;
}

static enum bff_err pack_row(const struct session_tokens *tokens, struct arena *scratch,
                             struct str *out)
{
    const struct str texts[SEALED_TEXTS] = {tokens->access, tokens->refresh, tokens->user_id,
                                            tokens->user};
    size_t cap = 0;
    for (size_t i = 0; i < SEALED_TEXTS; i++)
        cap += PACK_MAX(texts[i].n);
    char *p = arena_alloc(scratch, cap);
    if (!p)
        return BFF_ERR_NO_MEMORY;
    struct buf row = buf_make(p, cap);
    enum bff_err err = BFF_OK;
    for (size_t i = 0; err == BFF_OK && i < SEALED_TEXTS; i++)
        err = pack_add(&row, texts[i], scratch);
    *out = buf_str(&row);
    return err;
}

enum bff_err record_seal(const struct keyring *keys, const struct session_name *name,
                         uint64_t generation, const struct session_tokens *tokens,
                         struct arena *arena, struct str *out)
{
    struct arena scratch = arena_make(SCRATCH_BYTES);
    struct seal_place place = place_of(name, generation);
    struct str row;
    enum bff_err err = pack_row(tokens, &scratch, &row);
    if (err == BFF_OK)
        err = seal(keys, &place, row, arena, out);
    arena_free(&scratch);
    return err;
}

/*
 * The cookie that carries a pending token through a browser: only what was sealed here opens, whole
 * and in its time.
 * Input: a byte: 0 takes the rest as the cookie's value; others seal the rest as a token and then
 * change the byte of the value that it points at.
 */
#include <string.h>

#include "codec/pending.h"
#include "fuzz_keys.h"

#define NOW 1700000000
#define UNTIL (NOW + 900)

static void check_foreign(struct str value, struct arena *arena)
{
    struct str token = STR("untouched");
    demand(pending_open(the_keys(), value, NOW, arena, &token) == BFF_ERR_MALFORMED);
    demand(str_eq(token, STR("untouched")));
}

static void check_own(struct str token, uint8_t at, struct arena *arena)
{
    struct str value, opened;
    enum bff_err e = pending_seal(the_keys(), token, UNTIL, arena, &value);
    demand(e == (token.n > PENDING_TOKEN_MAX ? BFF_ERR_TOO_LARGE : BFF_OK));
    if (e)
        return;
    demand(str_base64url_length(value) == value.n);
    demand(pending_open(the_keys(), value, NOW, arena, &opened) == BFF_OK);
    demand(str_eq(opened, token));
    demand(pending_open(the_keys(), value, UNTIL, arena, &opened) == BFF_ERR_MISSING);
    char *changed = arena_alloc(arena, value.n);
    demand(changed != NULL);
    memcpy(changed, value.p, value.n);
    char *byte = &changed[at % value.n];
    *byte = *byte == '-' ? '_' : '-';
    check_foreign((struct str){changed, value.n}, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena arena = arena_make(1 << 20);
    struct str rest = {(const char *)data + 1, size - 1};
    if (data[0] == 0)
        check_foreign(rest, &arena);
    else
        check_own(rest, data[0], &arena);
    arena_free(&arena);
    return 0;
}

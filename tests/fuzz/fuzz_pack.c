/*
 * Any bytes packed come back as they were, and any bytes taken for packed ones give no more text
 * than is allowed, or are refused. Input: the bytes, as both.
 */
#include "codec/pack.h"
#include "fuzz_keys.h"

#define LIMIT 4096

static void there_and_back(struct str text, struct arena *arena)
{
    size_t cap = PACK_MAX(text.n);
    char *p = arena_alloc(arena, cap);
    demand(p != NULL);
    struct buf row = buf_make(p, cap);
    demand(pack_add(&row, text, arena) == BFF_OK);
    struct str rest = buf_str(&row), packed, back;
    demand(pack_next(&rest, &packed) && rest.n == 0);
    demand(unpack(packed, text.n, arena, &back) == BFF_OK && str_eq(back, text));
}

static void taken_for_packed(struct str packed, struct arena *arena)
{
    struct str text;
    enum bff_err err = unpack(packed, LIMIT, arena, &text);
    demand(err == BFF_OK || err == BFF_ERR_MALFORMED);
    demand(err != BFF_OK || text.n <= LIMIT);
    if (err == BFF_OK)
        there_and_back(text, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(64 << 20);
    struct str input = {(const char *)data, size}, packed;
    there_and_back(input, &arena);
    taken_for_packed(input, &arena);
    while (pack_next(&input, &packed))
        taken_for_packed(packed, &arena);
    arena_free(&arena);
    return 0;
}

/*
 * A key file as somebody edited it, and the steps of a rotation on it: each gives a file that bffd
 * takes, with the keys that it should have. Input: the file.
 */
#include "ctl/key_file.h"
#include "fuzz_keys.h"

#define NEW_KEY STR("//////////////////////////////////////////8=")
#define NOW STR("2026-11-21T18:05:53Z")

static struct keyring *ring_of(struct str text, struct arena *arena)
{
    struct keyring *ring = NULL;
    struct str message = {NULL, 0};
    bool ok = keyring_parse(arena, text, &ring, &message);
    demand(ok == (ring != NULL) && ok == (message.n == 0));
    return ring;
}

static bool is_same_key(const struct keyring *a, size_t i, const struct keyring *b, size_t j)
{
    char left[KEYRING_ID_MAX], right[KEYRING_ID_MAX];
    keyring_id(a, i, left);
    keyring_id(b, j, right);
    return strcmp(left, right) == 0;
}

/* What is left once the new key is the only one. */
static void check_drop(struct str used, const struct keyring *before, struct arena *arena)
{
    struct str dropped;
    demand(key_file_drop(used, arena, &dropped));
    struct keyring *alone = ring_of(dropped, arena);
    demand(alone && keyring_size(alone) == 1 && is_same_key(alone, 0, before, 0));
    demand(key_file_state(dropped).stage == KEYS_ALONE);
    keyring_free(alone);
}

static void check_use(struct str added, const struct keyring *before, struct arena *arena)
{
    struct str used;
    size_t n = keyring_size(before);
    demand(key_file_use(added, NOW, arena, &used));
    struct keyring *ring = ring_of(used, arena);
    demand(ring && keyring_size(ring) == n && is_same_key(ring, 0, before, n - 1));
    for (size_t i = 0; i + 1 < n; i++)
        demand(is_same_key(ring, i + 1, before, i));
    struct key_file_state state = key_file_state(used);
    demand(state.n_keys == n && state.stage == KEYS_USED && str_eq(state.since, NOW));
    check_drop(used, ring, arena);
    keyring_free(ring);
}

static void check_add(struct str text, const struct keyring *before, struct arena *arena)
{
    struct str added;
    size_t n = keyring_size(before);
    demand(key_file_add(text, NEW_KEY, NOW, arena, &added));
    struct keyring *ring = ring_of(added, arena);
    struct key_file_state state = key_file_state(added);
    demand(state.n_keys == n + 1);
    if (!ring) /* it was full, or had this key */
        return;
    demand(keyring_size(ring) == n + 1);
    for (size_t i = 0; i < n; i++)
        demand(is_same_key(ring, i, before, i));
    demand(state.stage == KEYS_ADDED && str_eq(state.since, NOW));
    check_use(added, ring, arena);
    keyring_free(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena arena = arena_make(1 << 20);
    the_keys();
    struct keyring *ring = ring_of(text, &arena);
    if (ring) {
        demand(key_file_state(text).n_keys == keyring_size(ring));
        check_add(text, ring, &arena);
    }
    keyring_free(ring);
    arena_free(&arena);
    return 0;
}

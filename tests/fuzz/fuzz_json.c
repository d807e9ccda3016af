/*
 * JSON from a browser or a backend, and pointers into it: what is read is written and read as the
 * same, what is put is found there, what is removed is not. Input: a line with a pointer, then the
 * text.
 */
#include "fuzz_json.h"
#include "codec/json.h"
#include "fuzz.h"

static void check_written(const json_t *root, struct arena *arena)
{
    struct str text;
    if (!json_write(root, arena, &text))
        return;
    json_t *again = json_read(text);
    demand(again && json_equal(root, again));
    json_decref(again);
}

static void check_found(json_t *root, struct str pointer, struct arena *arena)
{
    json_t *value = json_at(root, pointer);
    int64_t seconds = 4711;
    demand(pointer.n > 0 || value == root);
    struct json_scalar scalar = json_scalar(value, arena);
    demand(!scalar.is_one || json_is_string(value) || json_is_number(value) ||
           json_is_boolean(value));
    demand(json_seconds(value, &seconds) || seconds == 4711);
}

static void check_removed(const json_t *root, struct str pointer)
{
    json_t *copy = json_deep_copy(root);
    bool was_there = json_at(copy, pointer) != NULL;
    bool removed = json_remove(copy, pointer);
    demand(removed == (was_there && pointer.n > 0));
    const json_t *left = removed ? json_at(copy, pointer) : NULL;
    demand(!left || json_is_null(left));
    json_decref(copy);
}

static void check_put(const json_t *root, struct str pointer)
{
    json_t *copy = json_deep_copy(root);
    if (json_put(copy, pointer, json_string("put"))) {
        const json_t *put = json_at(copy, pointer);
        demand(json_is_string(put) && strcmp(json_string_value(put), "put") == 0);
    }
    json_decref(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_once();
    struct str text = {(const char *)data, size};
    struct str pointer = take_line(&text);
    json_t *root = json_read(text);
    if (!root)
        return 0;
    struct arena arena = arena_make(1 << 20);
    check_written(root, &arena);
    check_found(root, pointer, &arena);
    check_removed(root, pointer);
    check_put(root, pointer);
    json_decref(root);
    arena_free(&arena);
    return 0;
}

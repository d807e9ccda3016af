#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/wiping_heap.h"

#define POINTER_KEY_MAX 256 /* a longer reference token of a pointer finds nothing */

void json_init(void)
{
    json_set_alloc_funcs(wiping_malloc, wiping_free);
    /* Else the first object of each thread would race for it. */
    json_object_seed(0);
}

/* jansson's parser does not look whether the memory grew into which it collects a string's bytes:
 * a token would lack its middle, and nobody would be told. */
json_t *json_read(struct str text)
{
    unsigned long refused = wiping_refusals();
    json_t *value = json_loadb(text.n ? text.p : "", text.n,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (wiping_refusals() == refused)
        return value;
    json_decref(value);
    return NULL;
}

struct pointer_key {
    char p[POINTER_KEY_MAX];
    size_t n;
};

/* One reference token with "~1" and "~0" decoded (RFC 6901, section 4). */
static bool decode_key(struct str token, struct pointer_key *key)
{
    key->n = 0;
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        if (c == '~') {
            char escape = ++i < token.n ? token.p[i] : 0;
            if (escape != '0' && escape != '1')
                return false;
            c = escape == '0' ? '~' : '/';
        }
        if (key->n == sizeof key->p)
            return false;
        key->p[key->n++] = c;
    }
    return true;
}

static bool array_index(const struct pointer_key *key, size_t *index)
{
    uint64_t i;
    if (key->n > 1 && key->p[0] == '0')
        return false;
    if (!str_to_u64((struct str){key->p, key->n}, SIZE_MAX, &i))
        return false;
    *index = (size_t)i;
    return true;
}

static json_t *child(json_t *parent, const struct pointer_key *key)
{
    size_t i;
    if (json_is_object(parent))
        return json_object_getn(parent, key->p, key->n);
    if (json_is_array(parent) && array_index(key, &i))
        return json_array_get(parent, i);
    return NULL;
}

/* Follow all but the last reference token, which is left in *last. */
static json_t *parent_at(json_t *root, struct str pointer, struct pointer_key *last)
{
    if (pointer.n == 0 || pointer.p[0] != '/')
        return NULL;
    struct str_cut rest = str_cut((struct str){pointer.p + 1, pointer.n - 1}, '/');
    json_t *at = root;
    if (!decode_key(rest.head, last))
        return NULL;
    while (at && rest.found) {
        at = child(at, last);
        rest = str_cut(rest.tail, '/');
        if (!decode_key(rest.head, last))
            return NULL;
    }
    return at;
}

json_t *json_at(json_t *root, struct str pointer)
{
    if (pointer.n == 0)
        return root;
    struct pointer_key last;
    json_t *parent = parent_at(root, pointer, &last);
    return parent ? child(parent, &last) : NULL;
}

bool json_remove(json_t *root, struct str pointer)
{
    struct pointer_key last;
    size_t i;
    json_t *parent = parent_at(root, pointer, &last);
    if (json_is_object(parent))
        return json_object_deln(parent, last.p, last.n) == 0;
    if (json_is_array(parent) && array_index(&last, &i))
        return json_array_set_new(parent, i, json_null()) == 0;
    return false;
}

/* Takes `value` in any case. */
static bool set_child(json_t *parent, const struct pointer_key *key, json_t *value)
{
    size_t i;
    if (json_is_object(parent))
        return json_object_setn_new(parent, key->p, key->n, value) == 0;
    if (json_is_array(parent) && array_index(key, &i))
        return json_array_set_new(parent, i, value) == 0;
    json_decref(value);
    return false;
}

static json_t *child_or_new(json_t *parent, const struct pointer_key *key)
{
    json_t *found = child(parent, key);
    if (found || !json_is_object(parent) || !set_child(parent, key, json_object()))
        return found;
    return child(parent, key);
}

bool json_put(json_t *root, struct str pointer, json_t *value)
{
    struct pointer_key key;
    struct str_cut rest = str_cut(pointer, '/');
    json_t *at = rest.found && rest.head.n == 0 ? root : NULL;
    while (at && rest.found) {
        rest = str_cut(rest.tail, '/');
        if (!decode_key(rest.head, &key))
            at = NULL;
        else if (rest.found)
            at = child_or_new(at, &key);
    }
    if (at)
        return set_child(at, &key, value);
    json_decref(value);
    return false;
}

struct json_scalar json_scalar(const json_t *value, struct arena *arena)
{
    struct json_scalar s = {.is_one = false};
    if (json_is_string(value))
        return (struct json_scalar){{json_string_value(value), json_string_length(value)}, true};
    if (json_is_number(value) || json_is_boolean(value))
        s.is_one = json_write(value, arena, &s.text);
    return s;
}

bool json_seconds(const json_t *value, int64_t *out)
{
    const double beyond = 1e15;
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    double d = json_real_value(value);
    if (!json_is_real(value) || d < -beyond || d > beyond)
        return false;
    *out = (int64_t)d;
    return true;
}

bool json_write(const json_t *value, struct arena *arena, struct str *out)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    size_t n = json_dumpb(value, NULL, 0, flags);
    char *p = n > 0 ? arena_alloc(arena, n) : NULL;
    if (!p || json_dumpb(value, p, n, flags) != n)
        return false;
    *out = (struct str){p, n};
    return true;
}

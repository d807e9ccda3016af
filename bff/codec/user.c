#include "codec/user.h"

#include "codec/json.h"

static bool copy_allowed(const json_t *object, const struct config_words *allowed, json_t *user)
{
    bool ok = user != NULL;
    for (size_t i = 0; ok && i < allowed->n; i++) {
        struct str name = allowed->words[i];
        json_t *value = json_object_getn(object, name.p, name.n);
        if (value)
            ok = json_object_setn(user, name.p, name.n, value) == 0;
    }
    return ok;
}

bool user_pick(const json_t *object, const struct config_words *allowed, struct arena *arena,
               struct str *out)
{
    json_t *user = json_object();
    bool ok = copy_allowed(object, allowed, user) && json_write(user, arena, out);
    json_decref(user);
    return ok;
}

static json_t *read_object(struct str text)
{
    json_t *value = json_read(text);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return json_object();
}

bool user_merge(struct str base, struct str over, struct arena *arena, struct str *out)
{
    json_t *merged = read_object(base), *upper = read_object(over);
    bool ok =
        merged && upper && json_object_update(merged, upper) == 0 && json_write(merged, arena, out);
    json_decref(merged);
    json_decref(upper);
    return ok;
}

/* simplejwt writes an int before 5.5 and a string since. */
bool user_find_id(const json_t *object, const char *const *names, struct arena *arena,
                  struct str *out)
{
    *out = (struct str){NULL, 0};
    for (; *names && out->n == 0; names++) {
        const json_t *value = json_object_get(object, *names);
        if (!json_is_integer(value) && !json_is_string(value))
            continue;
        struct json_scalar id = json_scalar(value, arena);
        if (!id.is_one || !arena_copy(arena, id.text, out))
            return false;
    }
    return true;
}

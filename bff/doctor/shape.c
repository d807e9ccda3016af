#include "doctor/shape.h"

#include "codec/json.h"
#include "codec/token.h"

#define NAME_MAX_BYTES 40 /* of a field that is quoted */

enum shape shape_of(const struct backend_answer *answer)
{
    int s = answer->status;
    if (s >= 200 && s < 300)
        return SHAPE_FINE;
    if (s >= 300 && s < 400)
        return SHAPE_REDIRECT;
    if (s >= 500)
        return SHAPE_TROUBLE;
    switch (s) {
    case 400:
    case 422:
        return SHAPE_BAD;
    case 401:
        return SHAPE_REFUSED;
    case 403:
        return SHAPE_FORBIDDEN;
    case 404:
    case 410:
        return SHAPE_NO_PATH;
    case 405:
        return SHAPE_NO_METHOD;
    case 415:
        return SHAPE_MEDIA_TYPE;
    case 429:
        return SHAPE_THROTTLED;
    }
    return SHAPE_OTHER;
}

bool shape_is_html(const struct backend_answer *answer)
{
    return str_eq_nocase(str_trim(str_cut(answer->content_type, ';').head), STR("text/html"));
}

static bool is_json(const struct backend_answer *answer)
{
    json_t *root = json_read(answer->body);
    json_decref(root);
    return root != NULL;
}

struct str shape_words(const struct backend_answer *answer, struct arena *arena)
{
    struct str words = STR("an answer");
    const char *body = answer->body.n == 0     ? "an empty body"
                       : is_json(answer)       ? "JSON"
                       : shape_is_html(answer) ? "an HTML page"
                                               : "a body that is not JSON";
    return arena_printf(arena, &words, "%d with %s", answer->status, body) ? words
                                                                           : STR("an answer");
}

bool shape_other_slash(struct str path, struct arena *arena, struct str *out)
{
    if (path.n > 1 && path.p[path.n - 1] == '/')
        return arena_copy(arena, (struct str){path.p, path.n - 1}, out);
    return arena_printf(arena, out, "%.*s/", STR_ARG(path));
}

struct str shape_location(const struct backend_answer *answer)
{
    return str_cut(str_cut(answer->location, '#').head, '?').head;
}

/* What follows scheme and authority (RFC 3986, section 3). */
static struct str path_of(struct str location)
{
    size_t start = 0;
    for (size_t i = 0; i + 1 < location.n && start == 0; i++)
        if (location.p[i] == '/' && location.p[i + 1] == '/')
            start = i + 2;
    while (start > 0 && start < location.n && location.p[start] != '/')
        start++;
    return (struct str){location.p + start, location.n - start};
}

bool shape_location_is(const struct backend_answer *answer, struct str path)
{
    return str_eq(path_of(shape_location(answer)), path);
}

static bool is_about_all(struct str name)
{
    return str_eq(name, STR("non_field_errors")) || str_eq(name, STR("detail")) ||
           str_eq(name, STR("__all__")) || str_eq(name, STR("errors"));
}

struct names {
    struct arena *arena;
    struct str *names;
    size_t n, max;
};

static void add_name(struct names *to, struct str name)
{
    bool is_fit = name.n > 0 && name.n <= NAME_MAX_BYTES && token_is_visible(name);
    if (is_fit && !is_about_all(name) && to->n < to->max &&
        arena_copy(to->arena, name, &to->names[to->n]))
        to->n++;
}

size_t shape_wanted_fields(const struct backend_answer *answer, struct arena *arena,
                           struct str *names, size_t max)
{
    struct names to = {arena, names, 0, max};
    json_t *root = json_read(answer->body), *child;
    const char *key;
    size_t i;
    json_object_foreach(root, key, child)
    {
        if (json_is_array(child) && json_is_string(json_array_get(child, 0)))
            add_name(&to, str_from(key));
    }
    json_array_foreach(json_object_get(root, "errors"), i, child)
    {
        add_name(&to, str_from(json_string_value(json_object_get(child, "param"))));
    }
    json_decref(root);
    return to.n;
}

struct str shape_oauth_error(const struct backend_answer *answer, struct arena *arena)
{
    struct str error = {NULL, 0};
    json_t *root = json_read(answer->body);
    const json_t *value = json_object_get(root, "error");
    struct str text = str_from(json_string_value(value));
    bool is_fit = text.n > 0 && text.n <= NAME_MAX_BYTES && token_is_visible(text);
    if (!is_fit || !arena_copy(arena, text, &error))
        error = (struct str){NULL, 0};
    json_decref(root);
    return error;
}

#include "doctor/ways.h"

#include "doctor/shape.h"

#define FIELDS_MAX 4

static bool is_same(const struct config_send *a, const struct config_send *b)
{
    return a->kind == b->kind && str_eq(a->text, b->text);
}

static void add(struct ways *to, const struct config_send *tried, struct config_send way)
{
    if (to->n == WAYS_MAX || is_same(tried, &way))
        return;
    for (size_t i = 0; i < to->n; i++)
        if (is_same(&to->ways[i], &way))
            return;
    to->ways[to->n++] = way;
}

/* A name that bff.conf can hold inside of a template, whatever the backend calls its field. */
static bool is_plain(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
        if (!is_word)
            return false;
    }
    return name.n > 0;
}

static bool add_field(struct ways *to, const struct config_send *tried, struct str name,
                      struct arena *kept)
{
    struct config_send way = {.kind = tried->kind == SEND_FORM ? SEND_FORM : SEND_JSON};
    if (!is_plain(name))
        return true;
    bool ok = way.kind == SEND_FORM
                  ? arena_printf(kept, &way.text, "%.*s=$refresh", STR_ARG(name))
                  : arena_printf(kept, &way.text, "{\"%.*s\": \"$refresh\"}", STR_ARG(name));
    if (ok)
        add(to, tried, way);
    return ok;
}

/* RFC 6749, section 6, and RFC 7009, 2.1 */
static void add_oauth(struct ways *to, const struct ways_question *q, struct arena *kept)
{
    const struct config_send refresh = {SEND_FORM,
                                        STR("grant_type=refresh_token&refresh_token=$refresh")};
    const struct config_send revoke = {SEND_FORM, STR("token=$refresh")};
    if (shape_oauth_error(q->answer, kept).n > 0)
        add(to, q->tried, q->is_revocation ? revoke : refresh);
}

enum bff_err ways_find(const struct ways_question *q, struct arena *kept, struct ways *out)
{
    struct str names[FIELDS_MAX];
    size_t n = 0;
    bool ok = true;
    *out = (struct ways){.n = 0};
    add_oauth(out, q, kept);
    if (shape_of(q->answer) == SHAPE_BAD)
        n = shape_wanted_fields(q->answer, kept, names, FIELDS_MAX);
    for (size_t i = 0; ok && i < n; i++)
        ok = add_field(out, q->tried, names[i], kept);
    if (q->cookie.n > 0)
        add(out, q->tried, (struct config_send){SEND_COOKIE, q->cookie});
    ok = ok && add_field(out, q->tried, STR("refresh"), kept) &&
         add_field(out, q->tried, STR("refresh_token"), kept);
    if (shape_of(q->answer) == SHAPE_MEDIA_TYPE)
        add(out, q->tried, (struct config_send){SEND_JSON, STR("{\"refresh\": \"$refresh\"}")});
    return ok ? BFF_OK : BFF_ERR_NO_MEMORY;
}

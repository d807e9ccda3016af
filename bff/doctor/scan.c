#include "doctor/scan.h"

#include "base/buf.h"
#include "codec/claims.h"
#include "codec/json.h"
#include "codec/token.h"
#include "core/cookie.h"
#include "doctor/scan_names.h"

#define POINTER_MAX 128       /* a longer one would not fit into a line of bff.conf */
#define SHORTEST_OPAQUE 8     /* a shorter text is no token */
#define EPOCH_2001 1000000000 /* a number above it is a moment, below it a number of seconds */

struct scanning {
    const struct config_token *access, *refresh;
    struct arena *arena;
    struct scan *out;
    bool no_memory;
};

static bool holds(const struct config_token *token, const struct config_place *place)
{
    for (size_t i = 0; token && i < token->n; i++)
        if (token->places[i].place == place->place && str_eq(token->places[i].name, place->name))
            return true;
    return false;
}

static bool is_named(json_t *claims, const char *claim, const char *value)
{
    const char *text = json_string_value(json_object_get(claims, claim));
    return text && str_eq(str_from(text), str_from(value));
}

/* `token_type` is simplejwt's word for it, `token_use` that of others. */
static void read_own_word(json_t *claims, struct candidate *c)
{
    static const struct {
        const char *word;
        enum candidate_kind kind;
    } rows[] = {{"access", CANDIDATE_ACCESS},
                {"refresh", CANDIDATE_REFRESH},
                {"sliding", CANDIDATE_SLIDING},
                {"id", CANDIDATE_OTHER}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (is_named(claims, "token_type", rows[i].word) ||
            is_named(claims, "token_use", rows[i].word)) {
            c->kind = rows[i].kind;
            c->is_told = true;
        }
    const json_t *iat = json_object_get(claims, "iat");
    c->has_iat = json_is_number(iat);
    c->iat_s = c->has_iat ? (int64_t)json_number_value(iat) : 0;
}

static void read_jwt(struct scanning *s, struct candidate *c)
{
    static const struct config_words wanted = {
        .words = {{"token_type", 10}, {"token_use", 9}, {"iat", 3}}, .n = 3};
    struct claims claims;
    enum bff_err e = claims_read(c->value, &wanted, s->arena, &claims);
    s->no_memory = s->no_memory || e == BFF_ERR_NO_MEMORY;
    if (e != BFF_OK)
        return;
    c->is_jwt = true;
    c->has_exp = claims.has_exp;
    c->exp_s = claims.exp_s;
    json_t *own = json_read(claims.user);
    read_own_word(own, c);
    json_decref(own);
}

/* `name` is the member's or cookie's own; the place has the whole pointer. */
static void consider(struct scanning *s, struct str name, struct candidate c)
{
    enum candidate_kind by_name = CANDIDATE_ACCESS;
    if (s->out->n == SCAN_MAX || c.value.n < SHORTEST_OPAQUE || !token_is_visible(c.value))
        return;
    bool is_named_so = name_suggests_token(name, &by_name);
    bool is_access = holds(s->access, &c.place), is_refresh = holds(s->refresh, &c.place);
    c.kind = by_name;
    if (is_access != is_refresh)
        c.kind = is_access ? CANDIDATE_ACCESS : CANDIDATE_REFRESH;
    read_jwt(s, &c);
    if (!c.is_jwt && !is_named_so && !is_access && !is_refresh)
        return;
    if (!arena_copy(s->arena, c.value, &c.value) ||
        !arena_copy(s->arena, c.place.name, &c.place.name) ||
        !arena_copy(s->arena, c.path, &c.path)) {
        s->no_memory = true;
        return;
    }
    s->out->found[s->out->n++] = c;
}

/* A number of seconds, a moment as a number, or a moment as ISO 8601 text. */
static void consider_expiry(struct scanning *s, struct str name, struct str pointer,
                            const json_t *value)
{
    bool of_refresh;
    struct config_expiry e = {.pointer = pointer};
    if (!name_suggests_expiry(name, &of_refresh))
        return;
    if (json_is_number(value) && json_number_value(value) > 0)
        e.kind = json_number_value(value) > EPOCH_2001 ? EXPIRY_TIME : EXPIRY_SECONDS;
    else if (json_is_string(value) && json_string_length(value) >= 19 &&
             json_string_value(value)[4] == '-' && json_string_value(value)[10] == 'T')
        e.kind = EXPIRY_TIME;
    struct config_expiry *to = of_refresh ? &s->out->refresh_expiry : &s->out->access_expiry;
    if (e.kind == EXPIRY_EXP || to->kind != EXPIRY_EXP)
        return;
    *to = e;
    s->no_memory = s->no_memory || !arena_copy(s->arena, pointer, &to->pointer);
}

static void consider_user(struct scanning *s, struct str name, struct str pointer, json_t *value)
{
    if (s->out->user.n == 0 && name_suggests_user(name) && json_is_object(value) &&
        json_object_size(value) > 0)
        s->no_memory = s->no_memory || !arena_copy(s->arena, pointer, &s->out->user);
}

/* A reference token of RFC 6901; false if bff.conf could not hold it. */
static bool add_key(struct buf *pointer, struct str key)
{
    if (!token_is_visible(key))
        return false;
    buf_add_char(pointer, '/');
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~' || key.p[i] == '/')
            buf_add(pointer, key.p[i] == '~' ? STR("~0") : STR("~1"));
        else
            buf_add_char(pointer, key.p[i]);
    }
    return !pointer->overflowed;
}

static void scan_value(struct scanning *s, struct str name, struct buf *pointer, json_t *value,
                       unsigned depth);

/* No deeper than SCAN_DEPTH. NOLINTNEXTLINE(misc-no-recursion) */
static void scan_child(struct scanning *s, struct str key, struct buf *pointer, json_t *value,
                       unsigned depth)
{
    const struct buf before = *pointer;
    if (depth < SCAN_DEPTH && add_key(pointer, key))
        scan_value(s, key, pointer, value, depth + 1);
    *pointer = before;
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static void scan_value(struct scanning *s, struct str name, struct buf *pointer, json_t *value,
                       unsigned depth)
{
    const char *key;
    size_t i;
    json_t *child;
    if (json_is_string(value))
        consider(s, name,
                 (struct candidate){
                     .place = {TOKEN_IN_JSON, buf_str(pointer)},
                     .value = {json_string_value(value), json_string_length(value)},
                 });
    consider_expiry(s, name, buf_str(pointer), value);
    consider_user(s, name, buf_str(pointer), value);
    json_object_foreach(value, key, child) scan_child(s, str_from(key), pointer, child, depth);
    json_array_foreach(value, i, child)
    {
        char digits[24];
        struct buf index = buf_make(digits, sizeof digits);
        buf_add_i64(&index, (int64_t)i);
        scan_child(s, buf_str(&index), pointer, child, depth);
    }
}

static void scan_cookie(struct scanning *s, struct str set_cookie, struct buf *names)
{
    struct str_cut rest = str_cut(set_cookie, ';');
    struct candidate c = {.place = {TOKEN_IN_COOKIE, str_trim(str_cut(rest.head, '=').head)}};
    struct str name = c.place.name;
    if (!cookie_read_set(set_cookie, name, &c.value) || name.n == 0 || name.n > POINTER_MAX ||
        !token_fits_cookie(name))
        return;
    if (names->n > 0)
        buf_add(names, STR(", "));
    buf_add(names, name);
    while (rest.found) {
        rest = str_cut(rest.tail, ';');
        struct str_cut attribute = str_cut(str_trim(rest.head), '=');
        if (str_eq_nocase(attribute.head, STR("Path")))
            c.path = attribute.tail;
        if (str_eq_nocase(attribute.head, STR("Max-Age")) ||
            str_eq_nocase(attribute.head, STR("Expires")))
            c.has_max_age = true;
    }
    consider(s, name, c);
}

static void name_members(json_t *root, struct buf *names)
{
    const char *key;
    json_t *child;
    json_object_foreach(root, key, child)
    {
        if (names->n > 0)
            buf_add(names, STR(", "));
        buf_add(names, str_from(key));
    }
}

enum bff_err scan_answer(const struct backend_answer *answer, const struct config_token *access,
                         const struct config_token *refresh, struct arena *arena, struct scan *out)
{
    char text[POINTER_MAX], members[SCAN_NAMES], cookies[SCAN_NAMES];
    struct buf pointer = buf_make(text, sizeof text);
    struct buf member_names = buf_make(members, sizeof members);
    struct buf cookie_names = buf_make(cookies, sizeof cookies);
    struct scanning s = {access, refresh, arena, out, false};
    *out = (struct scan){.n = 0};
    json_t *root = json_read(answer->body);
    out->is_json = json_is_object(root);
    if (out->is_json) {
        out->has_flows = json_at(root, STR("/data/flows")) != NULL;
        name_members(root, &member_names);
        scan_value(&s, (struct str){NULL, 0}, &pointer, root, 0);
    }
    json_decref(root);
    for (size_t i = 0; i < answer->n_set_cookie; i++)
        scan_cookie(&s, answer->set_cookie[i], &cookie_names);
    if (!arena_copy(arena, buf_str(&member_names), &out->members) ||
        !arena_copy(arena, buf_str(&cookie_names), &out->cookies))
        return BFF_ERR_NO_MEMORY;
    return s.no_memory ? BFF_ERR_NO_MEMORY : BFF_OK;
}

const struct candidate *scan_at(const struct scan *scan, const struct config_place *place)
{
    const struct config_token one = {.places = {*place}, .n = 1};
    const struct candidate *found = NULL;
    for (size_t i = 0; i < scan->n; i++)
        if (holds(&one, &scan->found[i].place))
            found = &scan->found[i]; /* of several cookies of one name the last counts */
    return found;
}

static int rank(const struct candidate *c)
{
    return (c->is_told ? 4 : 0) + (c->is_jwt ? 2 : 0) + (c->place.place == TOKEN_IN_JSON ? 1 : 0);
}

const struct candidate *scan_best(const struct scan *scan, enum candidate_kind kind)
{
    const struct candidate *best = NULL;
    for (size_t i = 0; i < scan->n; i++) {
        const struct candidate *c = &scan->found[i];
        bool fits = c->kind == kind || (c->kind == CANDIDATE_SLIDING && kind != CANDIDATE_OTHER);
        if (fits && (!best || rank(c) > rank(best)))
            best = c;
    }
    return best;
}

#include "codec/places.h"

#include "base/buf.h"
#include "codec/token.h"
#include "core/cookie.h"

#define SHORTEST_SECRET 16 /* a shorter token may stand in a body by chance */

static size_t count_pointers(const struct config_token *token)
{
    size_t n = 0;
    for (size_t i = 0; token && i < token->n; i++)
        n += token->places[i].place == TOKEN_IN_JSON;
    return n;
}

bool places_are_all_in_body(const struct config_token *token)
{
    return token->n > 0 && count_pointers(token) == token->n;
}

/* Browsers skip a byte order mark (U+FEFF) before they parse, jansson does not. */
static bool starts_as_json(struct str body)
{
    const struct str mark = STR("\xEF\xBB\xBF");
    if (str_starts(body, mark))
        body = (struct str){body.p + mark.n, body.n - mark.n};
    body = str_trim(body);
    return body.n > 0 && (body.p[0] == '{' || body.p[0] == '[');
}

enum bff_err places_open_body(const struct config_token *const *tokens, size_t n, struct str body,
                              json_t **out)
{
    size_t pointers = 0;
    for (size_t i = 0; i < n; i++)
        pointers += count_pointers(tokens[i]);
    json_t *value = json_read(body);
    *out = NULL;
    if (!value)
        return pointers > 0 && starts_as_json(body) ? BFF_ERR_MALFORMED : BFF_OK;
    if (json_is_object(value))
        *out = value;
    else
        json_decref(value);
    return BFF_OK;
}

/* As in a browser, the last of several Set-Cookie fields counts. */
static struct str cookie_value(const struct backend_answer *answer, struct str name,
                               struct str *field)
{
    struct str value = {NULL, 0};
    for (size_t i = 0; i < answer->n_set_cookie; i++)
        if (cookie_read_set(answer->set_cookie[i], name, &value))
            *field = answer->set_cookie[i];
    return value;
}

/* Empty if it is absent, null or empty; a view. *is_text is false for any other value. */
static struct str json_value(json_t *body, struct str pointer, bool *is_text)
{
    const json_t *value = json_at(body, pointer);
    *is_text = !value || json_is_null(value) || json_is_string(value);
    return json_is_string(value) ? (struct str){json_string_value(value), json_string_length(value)}
                                 : (struct str){NULL, 0};
}

static enum bff_err check(struct str token, bool is_text)
{
    if (token.n > BACKEND_TOKEN_MAX)
        return BFF_ERR_TOO_LARGE;
    return is_text && token_is_visible(token) ? BFF_OK : BFF_ERR_MALFORMED;
}

/* The places behind the first one that holds the token may hold anything: they are only emptied. */
static enum bff_err read_place(const struct config_place *place,
                               const struct backend_answer *answer, json_t *body,
                               struct arena *arena, struct places_held *held, struct str *value)
{
    struct str found, field = {NULL, 0};
    bool is_text = true;
    if (place->place == TOKEN_IN_COOKIE)
        found = cookie_value(answer, place->name, &field);
    else
        found = json_value(body, place->name, &is_text);
    enum bff_err e = held->token.n > 0 ? BFF_OK : check(found, is_text);
    if (e)
        return e;
    if (!arena_copy(arena, found, value))
        return BFF_ERR_NO_MEMORY;
    if (held->token.n == 0)
        held->token = *value;
    if (field.n > 0 && held->set_cookie.n == 0 && str_eq(*value, held->token))
        held->set_cookie = field;
    return BFF_OK;
}

enum bff_err places_read(const struct config_token *token, const struct backend_answer *answer,
                         json_t *body, struct arena *arena, struct places_held *out)
{
    *out = (struct places_held){.token = {NULL, 0}};
    for (size_t i = 0; i < token->n; i++) {
        enum bff_err e = read_place(&token->places[i], answer, body, arena, out, &out->values[i]);
        if (e)
            return e;
    }
    return BFF_OK;
}

bool places_remove(const struct config_token *token, json_t *body)
{
    bool any = false;
    for (size_t i = 0; i < token->n; i++)
        if (token->places[i].place == TOKEN_IN_JSON)
            any |= json_remove(body, token->places[i].name);
    return any;
}

static bool is_escaped_in_json(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c < 0x20 || c == 0x7F || c == '"' || c == '\\')
            return true;
    }
    return false;
}

static struct places_search search(struct str value, struct str text, struct arena *arena)
{
    if (value.n < SHORTEST_SECRET)
        return (struct places_search){.shown = false};
    bool shown = str_contains(text, value);
    if (shown || !is_escaped_in_json(value))
        return (struct places_search){.shown = shown};
    size_t cap = 6 * value.n; /* "\u0000" for one byte */
    char *memory = arena_alloc(arena, cap);
    if (!memory)
        return (struct places_search){.out_of_memory = true};
    struct buf escaped = buf_make(memory, cap);
    buf_add_json(&escaped, value);
    return (struct places_search){.shown = str_contains(text, buf_str(&escaped))};
}

struct places_search places_shown_in(const struct places_held *held, struct str text,
                                     struct arena *arena)
{
    struct places_search result = {.shown = false};
    for (size_t i = 0; i < CONFIG_MAX_PLACES && !result.shown && !result.out_of_memory; i++)
        result = search(held->values[i], text, arena);
    return result;
}

#include "codec/placeholder.h"

#include <sodium.h>

#include "codec/json.h"

#define HEADER "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" /* {"alg":"none","typ":"JWT"} */

enum bff_err placeholder_make(int64_t exp_s, struct arena *arena, struct str *out)
{
    struct str payload;
    if (!arena_printf(arena, &payload, "{\"exp\":%lld,\"placeholder\":true}", (long long)exp_s))
        return BFF_ERR_NO_MEMORY;
    size_t cap = sodium_base64_ENCODED_LEN(payload.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *encoded = arena_alloc(arena, cap);
    if (!encoded)
        return BFF_ERR_NO_MEMORY;
    sodium_bin2base64(encoded, cap, (const unsigned char *)payload.p, payload.n,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return arena_printf(arena, out, HEADER ".%s.", encoded) ? BFF_OK : BFF_ERR_NO_MEMORY;
}

/* NULL: the token stands in cookies only. */
static const struct config_place *first_pointer(const struct config_token *token)
{
    for (size_t i = 0; i < token->n; i++)
        if (token->places[i].place == TOKEN_IN_JSON)
            return &token->places[i];
    return NULL;
}

/* BFF_ERR_MISSING: something else is on the way. */
static enum bff_err put(json_t *root, const struct config_place *place, int64_t exp_s,
                        struct arena *arena)
{
    struct str text;
    if (!place)
        return BFF_OK;
    enum bff_err e = placeholder_make(exp_s, arena, &text);
    if (e)
        return e;
    json_t *value = json_stringn(text.p, text.n);
    if (!value)
        return BFF_ERR_NO_MEMORY;
    return json_put(root, place->name, value) ? BFF_OK : BFF_ERR_MISSING;
}

enum bff_err placeholders_put(const struct config_token *access, const struct config_token *refresh,
                              const struct placeholders *p, struct str body, struct arena *arena,
                              struct str *out)
{
    const struct config_place *access_place = first_pointer(access);
    const struct config_place *refresh_place = first_pointer(refresh);
    struct str text = body;
    if (!access_place && !refresh_place) {
        *out = body;
        return BFF_OK;
    }
    json_t *root = json_read(str_trim(body).n > 0 ? body : STR("{}"));
    enum bff_err e = json_is_object(root) ? BFF_OK : BFF_ERR_MISSING;
    if (!e)
        e = put(root, access_place, p->access_exp_s, arena);
    if (!e)
        e = put(root, refresh_place, p->refresh_exp_s, arena);
    if (!e && !json_write(root, arena, &text))
        e = BFF_ERR_NO_MEMORY;
    json_decref(root);
    if (e == BFF_ERR_NO_MEMORY)
        return e;
    *out = text;
    return BFF_OK;
}

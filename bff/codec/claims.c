#include "codec/claims.h"

#include <errno.h>
#include <jwt.h>
#include <string.h>

#include "base/wiping_heap.h"
#include "codec/json.h"
#include "codec/user.h"

/*
 * What libjwt gets is {"alg":"none"} and the token's payload, never the signature. So claims are
 * read whatever the token's own `alg` and `typ` are (libjwt 1.10 knows neither PS256 nor EdDSA nor
 * "at+jwt"), and the copies libjwt leaves in freed memory are no tokens.
 */
#define UNSECURED_HEADER "eyJhbGciOiJub25lIn0."

/* header.payload.signature (RFC 7515, 7.1); five parts would be a JWE, which nobody here can read.
 */
static bool find_payload(struct str token, struct str *payload)
{
    struct str_cut head = str_cut(token, '.');
    struct str_cut body = str_cut(head.tail, '.');
    if (!head.found || !body.found || head.head.n == 0 || body.head.n == 0)
        return false;
    *payload = body.head;
    return str_base64url_length(head.head) == head.head.n &&
           str_base64url_length(body.head) == body.head.n &&
           str_base64url_length(body.tail) == body.tail.n;
}

/* jansson made the text, whoever asked for it, so jansson's free() takes it back. */
static void free_dumped(char *text)
{
    json_malloc_t unused;
    json_free_t release;
    json_get_alloc_funcs(&unused, &release);
    release(text);
}

static enum bff_err decode_payload(struct str payload, struct arena *arena, json_t **out)
{
    struct str unsecured;
    jwt_t *jwt = NULL;
    if (!arena_printf(arena, &unsecured, UNSECURED_HEADER "%.*s.", STR_ARG(payload)))
        return BFF_ERR_NO_MEMORY;
    unsigned long refused = wiping_refusals();
    int failure = jwt_decode(&jwt, unsecured.p, NULL, 0);
    if (wiping_refusals() != refused) { /* see json_read(): it may lack a part */
        jwt_free(jwt);
        return BFF_ERR_NO_MEMORY;
    }
    if (failure)
        return failure == ENOMEM ? BFF_ERR_NO_MEMORY : BFF_ERR_MALFORMED;
    char *text = jwt_get_grants_json(jwt, NULL);
    jwt_free(jwt);
    if (!text)
        return BFF_ERR_NO_MEMORY;
    json_t *claims = json_read(str_from(text));
    free_dumped(text);
    if (!json_is_object(claims)) {
        json_decref(claims);
        return BFF_ERR_MALFORMED;
    }
    *out = claims;
    return BFF_OK;
}

enum bff_err claims_read(struct str token, const struct config_words *allowed, struct arena *arena,
                         struct claims *out)
{
    struct str payload;
    struct claims c = {.has_exp = false};
    static const char *const id_claims[] = {"user_id", "sub", NULL};
    json_t *claims;
    if (token.n > CLAIMS_TOKEN_MAX)
        return BFF_ERR_TOO_LARGE;
    if (!find_payload(token, &payload))
        return BFF_ERR_MALFORMED;
    enum bff_err e = decode_payload(payload, arena, &claims);
    if (e)
        return e;
    /* A NumericDate may have a fraction (RFC 7519, section 2). */
    c.has_exp = json_seconds(json_object_get(claims, "exp"), &c.exp_s);
    bool ok = user_find_id(claims, id_claims, arena, &c.user_id) &&
              user_pick(claims, allowed, arena, &c.user);
    json_decref(claims);
    if (!ok)
        return BFF_ERR_NO_MEMORY;
    *out = c;
    return BFF_OK;
}

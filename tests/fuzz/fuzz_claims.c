/*
 * A token as a backend might send it: claims_read() says what it is, or refuses it.
 * Input: 'p' and a payload, which is wrapped into a JWT first, or any other bytes as the token.
 */
#include <string.h>

#include <sodium.h>

#include "codec/claims.h"
#include "codec/json.h"
#include "fuzz.h"
#include "fuzz_json.h"

static struct str wrapped(struct str payload, struct arena *arena)
{
    size_t cap = sodium_base64_ENCODED_LEN(payload.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *body = arena_alloc(arena, cap);
    struct str jwt;
    demand(body != NULL);
    sodium_bin2base64(body, cap, (const unsigned char *)payload.p, payload.n,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    demand(arena_printf(arena, &jwt, "eyJhbGciOiJIUzI1NiJ9.%s.c2ln", body));
    return jwt;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct config_words allowed = {.words = {{"user_id", 7}, {"email", 5}, {"exp", 3}},
                                                .n = 3};
    json_once();
    struct arena arena = arena_make(4 << 20);
    struct str token = {(const char *)data, size};
    if (size > 0 && size < CLAIMS_TOKEN_MAX && data[0] == 'p')
        token = wrapped((struct str){token.p + 1, token.n - 1}, &arena);
    struct claims c = {.exp_s = 42};
    enum bff_err e = claims_read(token, &allowed, &arena, &c);
    if (e) {
        demand(e == BFF_ERR_MALFORMED || e == BFF_ERR_TOO_LARGE);
        demand(c.exp_s == 42 && !c.user.p);
    } else {
        json_t *user = json_read(c.user);
        demand(json_is_object(user) && json_object_size(user) <= allowed.n);
        json_decref(user);
    }
    arena_free(&arena);
    return 0;
}

#include "codec/pending.h"

#include <sodium.h>
#include <string.h>

#define EXPIRY_BYTES 8
#define BYTES_MAX (EXPIRY_BYTES + SEAL_OVERHEAD + PENDING_TOKEN_MAX)
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* No session cookie is this long, so no session's value opens here and none of these opens there;
 * and with another expiry than its own none opens at all. */
static struct seal_place place_of(uint64_t expiry)
{
    return (struct seal_place){.cookie = STR("pending"),
                               .key_name = STR("bffd pending v1"),
                               .generation = expiry,
                               .field = STR("token")};
}

enum bff_err pending_seal(const struct keyring *ring, struct str token, int64_t until_s,
                          struct arena *arena, struct str *out)
{
    struct seal_place place = place_of((uint64_t)until_s);
    struct str sealed;
    unsigned char bytes[BYTES_MAX];
    if (token.n > PENDING_TOKEN_MAX)
        return BFF_ERR_TOO_LARGE;
    enum bff_err e = seal(ring, &place, token, arena, &sealed);
    if (e)
        return e;
    for (size_t i = 0; i < EXPIRY_BYTES; i++)
        bytes[i] = (unsigned char)(place.generation >> (56 - 8 * i));
    memcpy(bytes + EXPIRY_BYTES, sealed.p, sealed.n);
    size_t n = EXPIRY_BYTES + sealed.n, cap = sodium_base64_encoded_len(n, VARIANT);
    char *text = arena_alloc(arena, cap);
    if (!text)
        return BFF_ERR_NO_MEMORY;
    sodium_bin2base64(text, cap, bytes, n, VARIANT);
    *out = str_from(text);
    return BFF_OK;
}

enum bff_err pending_open(const struct keyring *ring, struct str value, int64_t now_s,
                          struct arena *arena, struct str *token)
{
    unsigned char bytes[BYTES_MAX];
    size_t n;
    uint64_t expiry = 0;
    struct str plain;
    if (value.n == 0 ||
        sodium_base642bin(bytes, sizeof bytes, value.p, value.n, NULL, &n, NULL, VARIANT) != 0 ||
        n < EXPIRY_BYTES + SEAL_OVERHEAD)
        return BFF_ERR_MALFORMED;
    for (size_t i = 0; i < EXPIRY_BYTES; i++)
        expiry = expiry << 8 | bytes[i];
    struct seal_place place = place_of(expiry);
    struct str sealed = {(const char *)bytes + EXPIRY_BYTES, n - EXPIRY_BYTES};
    enum bff_err e = unseal(ring, &place, sealed, arena, &plain);
    if (e)
        return e == BFF_ERR_NO_MEMORY ? e : BFF_ERR_MALFORMED;
    if ((int64_t)expiry <= now_s)
        return BFF_ERR_MISSING;
    *token = plain;
    return BFF_OK;
}

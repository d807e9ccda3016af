/* What the tests of this layer share: tokens made on the spot, and cmocka in its proper order. */
#ifndef TESTS_CODEC_FIXTURES_H
#define TESTS_CODEC_FIXTURES_H

#include <sodium.h>
#include <string.h>

#include "../../assert_str.h"
#include "base/arena.h"

#define ROOM (1024 * 1024)

static inline struct str base64url(struct arena *a, struct str text)
{
    size_t cap = sodium_base64_ENCODED_LEN(text.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *p = arena_alloc(a, cap);
    assert_non_null(p);
    sodium_bin2base64(p, cap, (const unsigned char *)text.p, text.n,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return str_from(p);
}

/* A JWT with a header and a payload as given; its signature is none that anybody checks. */
static inline struct str jwt_with_header(struct arena *a, const char *header, const char *payload)
{
    struct str head = base64url(a, str_from(header)), body = base64url(a, str_from(payload)), jwt;
    assert_true(arena_printf(a, &jwt, "%.*s.%.*s.c2lnbmF0dXJl", STR_ARG(head), STR_ARG(body)));
    return jwt;
}

static inline struct str jwt_of(struct arena *a, const char *payload)
{
    return jwt_with_header(a, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", payload);
}

/* `n` bytes of `c`. */
static inline struct str filled(struct arena *a, char c, size_t n)
{
    char *p = arena_alloc(a, n);
    assert_non_null(p);
    memset(p, c, n);
    return (struct str){p, n};
}

#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64url.h"

#define BYTES_MAX 64

/* RFC 4648, section 10, in the alphabet of section 5. */
static const struct {
    struct str plain, text;
} known[] = {
    {{"", 0}, {"", 0}},
    {{"f", 1}, {"Zg", 2}},
    {{"fo", 2}, {"Zm8", 3}},
    {{"foo", 3}, {"Zm9v", 4}},
    {{"foob", 4}, {"Zm9vYg", 6}},
    {{"fooba", 5}, {"Zm9vYmE", 7}},
    {{"foobar", 6}, {"Zm9vYmFy", 8}},
    {{"\xfb\xff\xfe", 3}, {"-__-", 4}},
};

static void the_rfcs_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[BYTES_MAX];
        unsigned char plain[BYTES_MAX];
        assert_int_equal(BASE64URL_CHARS(known[i].plain.n), known[i].text.n);
        assert_int_equal(BASE64URL_BYTES(known[i].text.n), known[i].plain.n);
        base64url_encode((const unsigned char *)known[i].plain.p, known[i].plain.n, text);
        assert_memory_equal(text, known[i].text.p, known[i].text.n);
        assert_true(base64url_decode(known[i].text, plain));
        assert_memory_equal(plain, known[i].plain.p, known[i].plain.n);
    }
}

static void bytes_may_stand_at_the_end_of_where_their_text_goes(void **state)
{
    (void)state;
    for (size_t n = 0; n < BYTES_MAX; n++) {
        unsigned char bytes[BYTES_MAX];
        char apart[BASE64URL_CHARS(BYTES_MAX)], over[BASE64URL_CHARS(BYTES_MAX)];
        size_t chars = BASE64URL_CHARS(n);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(i * 37 + n);
        base64url_encode(bytes, n, apart);
        memcpy(over + chars - n, bytes, n);
        base64url_encode((unsigned char *)over + chars - n, n, over);
        assert_memory_equal(over, apart, chars);
    }
}

static void only_what_encoding_gives_is_decoded(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "Z",    "Zm9vY",             /* no bytes have that length */
        "Zh",   "Zm9",    "Zm9vYmF", /* bits after the last byte */
        "Zg==", "Zm9v\n", "Zm+v",    "Zm/v", "Zm v", "Zm9v.",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        unsigned char plain[BYTES_MAX];
        assert_false(base64url_decode(str_from(refused[i]), plain));
    }
    unsigned char plain[BYTES_MAX];
    assert_false(base64url_decode(STR("Zm9\0"), plain));
    assert_false(base64url_decode(STR("Zm9\xe4"), plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfcs_examples),
        cmocka_unit_test(bytes_may_stand_at_the_end_of_where_their_text_goes),
        cmocka_unit_test(only_what_encoding_gives_is_decoded),
    };
    return cmocka_run_group_tests_name("base/base64url", tests, NULL, NULL);
}

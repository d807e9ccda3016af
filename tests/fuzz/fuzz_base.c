/*
 * The smallest parsers, which others are made of: numbers, base64url, UTF-8 on its way into JSON.
 * Input: the text.
 */
#include <jansson.h>

#include "base/base64url.h"
#include "base/buf.h"
#include "fuzz.h"

static void check_number(struct str text, uint64_t max)
{
    uint64_t n = 4711;
    if (!str_to_u64(text, max, &n)) {
        demand(n == 4711);
        return;
    }
    demand(n <= max && text.n > 0);
    unsigned __int128 by_hand = 0;
    for (size_t i = 0; i < text.n; i++) {
        demand(text.p[i] >= '0' && text.p[i] <= '9');
        by_hand = by_hand * 10 + (unsigned)(text.p[i] - '0');
        demand(by_hand <= max);
    }
    demand(by_hand == n);
}

static void check_base64url(struct str text)
{
    unsigned char *bytes = malloc(BASE64URL_BYTES(text.n) + 1);
    char *again = malloc(text.n + 1);
    demand(bytes && again);
    if (base64url_decode(text, bytes)) {
        size_t n = BASE64URL_BYTES(text.n);
        demand(str_base64url_length(text) == text.n && BASE64URL_CHARS(n) == text.n);
        base64url_encode(bytes, n, again);
        demand(str_eq((struct str){again, text.n}, text));
    }
    free(bytes);
    free(again);
}

static void check_json(struct str text)
{
    size_t cap = 6 * text.n + 2;
    char *memory = malloc(cap);
    demand(memory);
    struct buf b = buf_make(memory, cap);
    buf_add_char(&b, '"');
    buf_add_json(&b, text);
    buf_add_char(&b, '"');
    demand(!b.overflowed);
    json_error_t error;
    json_t *value = json_loadb(b.p, b.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    demand(json_is_string(value));
    json_decref(value);
    free(memory);
}

static void check_trim(struct str text)
{
    struct str trimmed = str_trim(text);
    demand(lies_in(trimmed, text) && str_eq(str_trim(trimmed), trimmed));
    struct str_cut cut = str_cut(text, ':');
    demand(cut.head.n + cut.tail.n + (cut.found ? 1 : 0) == text.n);
    demand(str_contains(text, cut.head) && str_starts(text, cut.head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    check_number(text, UINT64_MAX);
    check_number(text, INT64_MAX);
    check_number(text, 65535);
    check_base64url(text);
    check_json(text);
    check_trim(text);
    return 0;
}

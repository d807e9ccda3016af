/*
 * Cookies, as a browser sends them and as a backend sets them. Input: the header.
 */
#include "core/cookie.h"
#include "fuzz.h"

/* How often `name=` begins a cookie: counted another way than by cookie_find(). */
static size_t times_of(struct str header, struct str name)
{
    size_t times = 0;
    for (size_t i = 0; i + name.n < header.n; i++) {
        if (header.p[i] != name.p[0])
            continue;
        size_t before = i;
        while (before > 0 && strchr(" \t\r\n", header.p[before - 1]) && header.p[before - 1])
            before--;
        size_t after = i + name.n;
        bool begins = before == 0 || header.p[before - 1] == ';';
        times += begins && memcmp(header.p + i, name.p, name.n) == 0 && header.p[after] == '=';
    }
    return times;
}

static void check_session(struct str header)
{
    struct str value = STR("untouched");
    enum bff_err e = cookie_find(header, &value);
    size_t times = times_of(header, STR(COOKIE_NAME));
    demand((e == BFF_ERR_MISSING) == (times == 0));
    demand((e == BFF_ERR_DUPLICATE) == (times > 1));
    if (e == BFF_OK)
        demand(value.n == COOKIE_VALUE_LENGTH && lies_in(value, header) &&
               str_base64url_length(value) == value.n);
    else
        demand(str_eq(value, STR("untouched")));
}

static void check_pending(struct str header)
{
    struct str value;
    if (cookie_find_pending(header, &value) == BFF_OK)
        demand(lies_in(value, header) && times_of(header, STR(COOKIE_PENDING_NAME)) == 1 &&
               !str_contains(value, STR(";")));
}

/* One more is one too many, wherever it stands. */
static void check_planted(struct str header)
{
    char memory[512];
    struct str value;
    if (cookie_find(header, &value) != BFF_OK || header.n > 256)
        return;
    struct buf b = buf_make(memory, sizeof memory);
    buf_add(&b, STR(COOKIE_NAME "=x; "));
    buf_add(&b, header);
    demand(cookie_find(buf_str(&b), &value) == BFF_ERR_DUPLICATE);
}

static void check_set(struct str header)
{
    struct str value;
    if (cookie_read_set(header, STR("access"), &value))
        demand(lies_in(value, header) && value.n + strlen("access=") <= header.n &&
               !str_contains(value, STR(";")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str header = {(const char *)data, size};
    check_session(header);
    check_pending(header);
    check_planted(header);
    check_set(header);
    return 0;
}

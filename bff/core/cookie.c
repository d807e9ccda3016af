#include "core/cookie.h"

#define ATTRIBUTES "; Secure; HttpOnly; SameSite=Strict"

static enum bff_err find_once(struct str header, struct str name, struct str *value)
{
    if (header.n > COOKIE_HEADER_MAX)
        return BFF_ERR_TOO_LARGE;
    struct str found = {NULL, 0};
    size_t times = 0;
    struct str_cut pair = {.tail = header, .found = header.n > 0};
    while (pair.found) {
        pair = str_cut(pair.tail, ';');
        struct str_cut named = str_cut(str_trim(pair.head), '=');
        if (named.found && str_eq(named.head, name)) {
            found = named.tail;
            times++;
        }
    }
    if (times != 1)
        return times == 0 ? BFF_ERR_MISSING : BFF_ERR_DUPLICATE;
    *value = found;
    return BFF_OK;
}

enum bff_err cookie_find(struct str header, struct str *value)
{
    struct str found;
    enum bff_err e = find_once(header, STR(COOKIE_NAME), &found);
    if (e != BFF_OK)
        return e;
    if (found.n != COOKIE_VALUE_LENGTH || str_base64url_length(found) != found.n)
        return BFF_ERR_MALFORMED;
    *value = found;
    return BFF_OK;
}

enum bff_err cookie_find_pending(struct str header, struct str *value)
{
    return find_once(header, STR(COOKIE_PENDING_NAME), value);
}

void cookie_add_set(struct buf *out, struct str value)
{
    buf_add(out, STR(COOKIE_NAME "="));
    buf_add(out, value);
    buf_add(out, STR("; Path=/" ATTRIBUTES));
}

void cookie_add_clear(struct buf *out)
{
    buf_add(out, STR(COOKIE_NAME "=; Path=/; Max-Age=0" ATTRIBUTES));
}

void cookie_add_set_pending(struct buf *out, struct str value, uint32_t lifetime_s)
{
    buf_add(out, STR(COOKIE_PENDING_NAME "="));
    buf_add(out, value);
    buf_add(out, STR("; Path=/; Max-Age="));
    buf_add_i64(out, lifetime_s);
    buf_add(out, STR(ATTRIBUTES));
}

void cookie_add_clear_pending(struct buf *out)
{
    cookie_add_set_pending(out, STR(""), 0);
}

bool cookie_read_set(struct str set_cookie, struct str name, struct str *value)
{
    struct str_cut named = str_cut(str_cut(set_cookie, ';').head, '=');
    if (!named.found || !str_eq(str_trim(named.head), name))
        return false;
    struct str v = str_trim(named.tail);
    if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
        v = (struct str){v.p + 1, v.n - 2};
    *value = v;
    return true;
}

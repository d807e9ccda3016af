#include "store/url.h"

#include <string.h>

#define PORT_DEFAULT 6379

static bool copy_text(struct str from, char *to, size_t max)
{
    if (from.n == 0 || from.n > max || memchr(from.p, 0, from.n))
        return false;
    memcpy(to, from.p, from.n);
    to[from.n] = 0;
    return true;
}

static struct str after(struct str s, size_t n)
{
    return (struct str){s.p + n, s.n - n};
}

static bool parse_number(struct str digits, uint16_t *out)
{
    uint64_t n;
    if (!str_to_u64(digits, UINT16_MAX, &n))
        return false;
    *out = (uint16_t)n;
    return true;
}

static bool parse_unix(struct str rest, struct redis_address *out)
{
    struct str_cut query = str_cut(rest, '?');
    if (!str_starts(query.head, STR("/")) || !copy_text(query.head, out->path, REDIS_PATH_MAX))
        return false;
    if (!query.found)
        return true;
    return str_starts(query.tail, STR("db=")) && parse_number(after(query.tail, 3), &out->db);
}

/* "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT" (RFC 3986, 3.2.2). */
static bool parse_authority(struct str authority, struct redis_address *out)
{
    struct str host, rest;
    if (str_starts(authority, STR("["))) {
        struct str_cut literal = str_cut(after(authority, 1), ']');
        if (!literal.found || (literal.tail.n > 0 && literal.tail.p[0] != ':'))
            return false;
        host = literal.head;
        rest = literal.tail;
    } else {
        struct str_cut cut = str_cut(authority, ':');
        host = cut.head;
        rest = cut.found ? after(authority, cut.head.n) : (struct str){NULL, 0};
    }
    out->port = PORT_DEFAULT;
    if (rest.n > 0 && (!parse_number(after(rest, 1), &out->port) || out->port == 0))
        return false;
    return copy_text(host, out->host, REDIS_HOST_MAX);
}

static bool parse_tcp(struct str rest, struct redis_address *out)
{
    if (str_contains(rest, STR("@")) || str_contains(rest, STR("?")))
        return false;
    struct str_cut path = str_cut(rest, '/');
    if (!parse_authority(path.head, out))
        return false;
    return path.tail.n == 0 || parse_number(path.tail, &out->db);
}

bool redis_url_parse(struct str url, struct redis_address *out)
{
    struct redis_address address = {0};
    bool ok = false;
    if (str_starts(url, STR("unix://")))
        ok = parse_unix(after(url, 7), &address);
    else if (str_starts(url, STR("redis://")))
        ok = parse_tcp(after(url, 8), &address);
    if (ok)
        *out = address;
    return ok;
}

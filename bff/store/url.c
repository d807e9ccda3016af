#include "store/url.h"

#include <string.h>

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

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

static bool parse_unix(struct str rest, struct redis_place *out)
{
    struct str_cut query = str_cut(rest, '?');
    out->n_seeds = 1;
    if (!str_starts(query.head, STR("/")) ||
        !copy_text(query.head, out->seeds[0].path, REDIS_PATH_MAX))
        return false;
    if (!query.found)
        return true;
    return str_starts(query.tail, STR("db=")) && parse_number(after(query.tail, 3), &out->db);
}

/* "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT" (RFC 3986, 3.2.2). */
static bool parse_authority(struct str authority, uint16_t port, struct redis_address *out)
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
    out->port = port;
    if (rest.n > 0 && (!parse_number(after(rest, 1), &out->port) || out->port == 0))
        return false;
    return copy_text(host, out->host, REDIS_HOST_MAX);
}

static bool parse_seeds(struct str list, uint16_t port, struct redis_place *out)
{
    for (bool more = true; more;) {
        struct str_cut cut = str_cut(list, ',');
        if (out->n_seeds == REDIS_SEEDS_MAX ||
            !parse_authority(cut.head, port, &out->seeds[out->n_seeds++]))
            return false;
        more = cut.found;
        list = cut.tail;
    }
    return true;
}

static bool parse_single(struct str rest, struct redis_place *out)
{
    struct str_cut path = str_cut(rest, '/');
    out->n_seeds = 1;
    return parse_authority(path.head, REDIS_PORT, &out->seeds[0]) &&
           (path.tail.n == 0 || parse_number(path.tail, &out->db));
}

static bool parse_sentinel(struct str rest, struct redis_place *out)
{
    struct str_cut path = str_cut(rest, '/');
    struct str_cut name = str_cut(path.tail, '/');
    out->kind = REDIS_SENTINEL;
    return parse_seeds(path.head, SENTINEL_PORT, out) &&
           copy_text(name.head, out->name, REDIS_NAME_MAX) &&
           (name.tail.n == 0 || parse_number(name.tail, &out->db));
}

static bool parse_cluster(struct str rest, struct redis_place *out)
{
    out->kind = REDIS_CLUSTER;
    return !str_contains(rest, STR("/")) && parse_seeds(rest, REDIS_PORT, out);
}

bool redis_url_parse(struct str url, struct redis_place *out)
{
    static const struct {
        struct str scheme;
        bool (*parse)(struct str rest, struct redis_place *out);
    } forms[] = {
        {{"redis://", 8}, parse_single},
        {{"redis+sentinel://", 17}, parse_sentinel},
        {{"redis+cluster://", 16}, parse_cluster},
    };
    struct redis_place place = {0};
    bool ok = str_starts(url, STR("unix://")) && parse_unix(after(url, 7), &place);
    bool is_plain = !str_contains(url, STR("@")) && !str_contains(url, STR("?"));
    for (size_t i = 0; i < sizeof forms / sizeof *forms && is_plain && !ok; i++)
        ok = str_starts(url, forms[i].scheme) &&
             forms[i].parse(after(url, forms[i].scheme.n), &place);
    if (ok)
        *out = place;
    return ok;
}

bool redis_address_read(struct str host, struct str port, struct redis_address *out)
{
    struct redis_address address = {0};
    if (!parse_number(port, &address.port) || address.port == 0 ||
        !copy_text(host, address.host, REDIS_HOST_MAX))
        return false;
    *out = address;
    return true;
}

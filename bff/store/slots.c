#include "store/slots.h"

#include <string.h>

static struct str hash_tag(struct str key)
{
    struct str_cut open = str_cut(key, '{');
    struct str_cut close = str_cut(open.tail, '}');
    return open.found && close.found && close.head.n > 0 ? close.head : key;
}

uint16_t slot_of_key(struct str key)
{
    struct str tag = hash_tag(key);
    unsigned crc = 0;
    for (size_t i = 0; i < tag.n; i++) {
        crc ^= (unsigned)(unsigned char)tag.p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000u ? crc << 1 ^ 0x1021u : crc << 1) & 0xffffu;
    }
    return (uint16_t)(crc % SLOTS);
}

static bool is_slot(const redisReply *r)
{
    return r->type == REDIS_REPLY_INTEGER && r->integer >= 0 && r->integer < SLOTS;
}

bool slot_range_read(const redisReply *row, const struct redis_address *asked,
                     struct slot_range *out)
{
    if (row->type != REDIS_REPLY_ARRAY || row->elements < 3 || !is_slot(row->element[0]) ||
        !is_slot(row->element[1]) || row->element[0]->integer > row->element[1]->integer)
        return false;
    const redisReply *node = row->element[2];
    if (node->type != REDIS_REPLY_ARRAY || node->elements < 2 ||
        node->element[1]->type != REDIS_REPLY_INTEGER || node->element[1]->integer <= 0 ||
        node->element[1]->integer > UINT16_MAX)
        return false;
    struct slot_range range = {.first = (uint16_t)row->element[0]->integer,
                               .last = (uint16_t)row->element[1]->integer};
    const redisReply *host = node->element[0];
    struct str name = {host->str, host->type == REDIS_REPLY_STRING ? (size_t)host->len : 0};
    if (name.n > REDIS_HOST_MAX || str_eq(name, STR("?")) ||
        (name.n > 0 && memchr(name.p, 0, name.n)))
        return false;
    if (name.n > 0)
        memcpy(range.primary.host, name.p, name.n);
    else
        range.primary = *asked;
    range.primary.port = (uint16_t)node->element[1]->integer;
    *out = range;
    return true;
}

/* HOST:PORT, where an IPv6 address stands without brackets. */
static bool read_endpoint(struct str text, const struct redis_address *asked,
                          struct redis_address *out)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    struct str host = {text.p, colon - 1}, port = {text.p + colon, text.n - colon};
    return redis_address_read(host.n > 0 ? host : str_from(asked->host), port, out);
}

bool redirect_read(struct str error, const struct redis_address *asked, struct redirect *out)
{
    struct str_cut code = str_cut(error, ' ');
    struct str_cut slot = str_cut(code.tail, ' ');
    struct redirect redirect = {.is_ask = str_eq(code.head, STR("ASK"))};
    uint64_t n;
    if ((!redirect.is_ask && !str_eq(code.head, STR("MOVED"))) ||
        !str_to_u64(slot.head, SLOTS - 1, &n) || !read_endpoint(slot.tail, asked, &redirect.to))
        return false;
    redirect.slot = (uint16_t)n;
    *out = redirect;
    return true;
}

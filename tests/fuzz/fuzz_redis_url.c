/*
 * Where Redis is, as an operator writes it and as servers of a cluster name each other. Input: a
 * byte that chooses, then the text: a URL, a redirection's error, or a key.
 */
#include "fuzz.h"
#include "store/slots.h"

static void check_text(const char *text, size_t max)
{
    demand(strnlen(text, max + 1) <= max);
}

static void check_address(const struct redis_address *a)
{
    check_text(a->host, REDIS_HOST_MAX);
    check_text(a->path, REDIS_PATH_MAX);
    bool is_unix = a->path[0] != 0, is_tcp = a->host[0] != 0;
    demand(is_unix != is_tcp);
    demand(is_unix ? a->path[0] == '/' : a->port > 0);
}

static void check_url(struct str url)
{
    struct redis_place place = {.db = 4711}, before = place;
    if (!redis_url_parse(url, &place)) {
        demand(memcmp(&place, &before, sizeof place) == 0);
        return;
    }
    demand(str_starts(url, STR("redis")) || str_starts(url, STR("unix:///")));
    /* A unix path may have one; a host may not, for it would hide credentials. */
    demand(str_starts(url, STR("unix")) || !str_contains(url, STR("@")));
    demand(place.n_seeds >= 1 && place.n_seeds <= REDIS_SEEDS_MAX);
    demand(place.n_seeds == 1 || place.kind != REDIS_SINGLE);
    check_text(place.name, REDIS_NAME_MAX);
    demand((place.kind == REDIS_SENTINEL) == (place.name[0] != 0));
    for (size_t i = 0; i < place.n_seeds; i++)
        check_address(&place.seeds[i]);
}

static void check_redirect(struct str error)
{
    const struct redis_address asked = {.host = "10.0.0.1", .port = 7000};
    struct redirect r = {.slot = 4711}, before = r;
    if (!redirect_read(error, &asked, &r)) {
        demand(memcmp(&r, &before, sizeof r) == 0);
        return;
    }
    demand(r.slot < SLOTS && str_starts(error, r.is_ask ? STR("ASK ") : STR("MOVED ")));
    check_address(&r.to);
    demand(r.to.path[0] == 0);
}

/* What a key has between braces is all that counts. */
static void check_slot(struct str key)
{
    char braced[300];
    uint16_t slot = slot_of_key(key);
    demand(slot < SLOTS);
    if (key.n == 0 || key.n > 256 || memchr(key.p, '{', key.n) || memchr(key.p, '}', key.n))
        return;
    memcpy(braced, "bff:s:{", 7);
    memcpy(braced + 7, key.p, key.n);
    memcpy(braced + 7 + key.n, "}x{y}", 5);
    demand(slot_of_key((struct str){braced, key.n + 12}) == slot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    switch (take_byte(&text) % 3) {
    case 0:
        check_url(text);
        break;
    case 1:
        check_redirect(text);
        break;
    case 2:
        check_slot(text);
        break;
    }
    return 0;
}

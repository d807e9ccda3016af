/*
 * The hot thread's reader and a Redis that answers anything, in pieces: whatever comes, each load
 * is answered once or given back once, in its order. Input: a byte, how many loads are asked for; a
 * byte, how many bytes come at a time; then what Redis says.
 */
#include "fuzz_redis.h"
#include "store/reader.c"

#define LOADS 5

static struct reader *the_reader(void)
{
    static struct reader *r;
    bool possible = true;
    struct store_options options = {.config = redis_config(), .keys = the_keys()};
    if (!r)
        r = reader_open(&options, &possible);
    demand(r && possible);
    return r;
}

static size_t count(struct reader_load *load, const struct reader_load **expected)
{
    size_t n = 0;
    while (load) {
        struct reader_load *next = load->next;
        demand(load == *expected);
        (*expected)++;
        n++;
        load = next;
    }
    return n;
}

static void check_load(const struct reader_load *l)
{
    enum bff_err e = l->load.err;
    demand(e == BFF_OK || e == BFF_ERR_MISSING || e == BFF_ERR_SEAL_BROKEN);
}

static void converse(struct reader *r, int fd, struct str said, size_t at_once,
                     struct reader_load *loads, size_t n)
{
    const struct reader_load *expected = loads;
    bool ok = reader_send(r);
    size_t answered = 0;
    demand(ok);
    while (ok && said.n > 0) {
        size_t part = at_once > 0 && at_once < said.n ? at_once : said.n;
        demand(send(fd, said.p, part, MSG_NOSIGNAL) == (ssize_t)part);
        said = (struct str){said.p + part, said.n - part};
        answered += count(reader_receive(r, &ok), &expected);
        demand(reader_asked(r) == n - answered);
    }
    for (size_t i = 0; i < answered; i++)
        check_load(&loads[i]);
    demand(count(reader_drop(r), &expected) == n - answered && reader_asked(r) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session_name name;
    struct reader_load loads[LOADS];
    struct str said = {(const char *)data, size};
    size_t n = take_byte(&said) % LOADS + 1, at_once = take_byte(&said);
    if (has_long_array(said) || (at_once > 0 && said.n / at_once > 100))
        return 0;
    struct reader *r = the_reader();
    session_name_make(redis_config(), STR(COOKIE), &name);
    struct arena arena = arena_make(1 << 20);
    int fd = redis_says(r->store, (struct str){NULL, 0});
    for (size_t i = 0; i < n; i++) {
        loads[i] = (struct reader_load){.load = {.name = &name, .arena = &arena, .touch = i % 2}};
        reader_ask(r, &loads[i]);
    }
    converse(r, fd, said, at_once, loads, n);
    close(fd);
    arena_free(&arena);
    return 0;
}

/*
 * Mutates an input that is a row of FastCGI records as such, so that what lies behind the framing
 * is reached: types, ids, lengths that fit and lengths that lie, padding, records cut in two,
 * doubled, swapped and left out, pairs of params, whole requests one behind the other. The input's
 * first byte is not part of the row, and stays as it is.
 */
#ifndef TESTS_FUZZ_RECORDS_MUTATOR_H
#define TESTS_FUZZ_RECORDS_MUTATOR_H

#include "base/buf.h"
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

enum { RECORD_HEADER = 8, RECORDS_AT_MOST = 64, PARAMS_TYPE = 4, STDIN_TYPE = 5 };

struct raw_record {
    struct str content;
    uint8_t type, padding;
    uint16_t id;
    int lie; /* by which its length is wrong */
};

struct raw_row {
    struct raw_record records[RECORDS_AT_MOST];
    size_t n;
    struct str rest; /* what is no whole record */
    uint32_t random;
};

static inline uint32_t next_random(struct raw_row *row, uint32_t below)
{
    row->random ^= row->random << 13;
    row->random ^= row->random >> 17;
    row->random ^= row->random << 5;
    return row->random % below;
}

static inline void row_read(struct raw_row *row, struct str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    row->n = 0;
    while (bytes.n >= RECORD_HEADER && row->n < RECORDS_AT_MOST) {
        size_t content = (size_t)p[4] << 8 | p[5], size = RECORD_HEADER + content + p[6];
        if (size > bytes.n)
            break;
        row->records[row->n++] = (struct raw_record){
            .type = p[1],
            .id = (uint16_t)(p[2] << 8 | p[3]),
            .padding = p[6],
            .content = {bytes.p + RECORD_HEADER, content},
        };
        bytes = (struct str){bytes.p + size, bytes.n - size};
        p += size;
    }
    row->rest = bytes;
}

static inline void record_add(struct buf *b, const struct raw_record *r)
{
    static const char zeros[256];
    size_t n = r->content.n > 0xFFFF ? 0xFFFF : r->content.n;
    size_t told = (size_t)((long)n + r->lie) & 0xFFFF;
    char header[RECORD_HEADER] = {
        1,          (char)r->type,   (char)(r->id >> 8), (char)r->id, (char)(told >> 8),
        (char)told, (char)r->padding};
    buf_add(b, (struct str){header, sizeof header});
    buf_add(b, (struct str){r->content.p, n});
    buf_add(b, (struct str){zeros, r->padding});
}

static inline void row_insert(struct raw_row *row, size_t at, struct raw_record r)
{
    if (row->n == RECORDS_AT_MOST)
        return;
    memmove(&row->records[at + 1], &row->records[at], (row->n - at) * sizeof r);
    row->records[at] = r;
    row->n++;
}

/* A name or value's length, sometimes in four bytes where one would do. */
static inline void add_pair_length(struct raw_row *row, struct buf *b, size_t n)
{
    if (n > 127 || next_random(row, 4) == 0) {
        char four[4] = {(char)(n >> 24 | 0x80), (char)(n >> 16), (char)(n >> 8), (char)n};
        buf_add(b, (struct str){four, sizeof four});
    } else {
        buf_add_char(b, (char)n);
    }
}

static const char *const pair_names[] = {
    "BFF_LEG",         "REQUEST_METHOD",      "HTTP_COOKIE",    "HTTP_ORIGIN",      "HTTP_X_CSRF",
    "BFF_PATH",        "HTTP_SEC_FETCH_SITE", "CONTENT_LENGTH", "BFF_STATUS",       "BFF_NOTE",
    "BFF_TARGET",      "BFF_QUERY",           "CONTENT_TYPE",   "HTTP_TRACEPARENT", "REQUEST_ID",
    "HTTP_USER_AGENT", "HTTP_UPGRADE",        "REQUEST_SCHEME", "HTTP_ACCEPT",
};
static const char *const pair_values[] = {
    "authorize",
    "renew",
    "endpoint",
    "login",
    "session",
    "sessions",
    "logout",
    "health",
    "ready",
    "metrics",
    "status",
    "GET",
    "POST",
    "DELETE",
    "1",
    "401",
    "502, 401",
    "same-origin",
    "cross-site",
    "https://app.example",
    "application/json",
    "application/x-www-form-urlencoded",
    "/api/token/",
    "/api/token/refresh/",
    "/api/token/blacklist/",
    "/bff/sessions",
    "/bff/sessions/00112233445566778899aabbccddeeff",
    "session_expired 3",
    "__Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "__Host-session=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB; __Host-pending=x",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "9223372036854775807",
    "",
    "a\"b\\c",
};

static inline struct str one_of(struct raw_row *row, const char *const *words, size_t n)
{
    return str_from(words[next_random(row, (uint32_t)n)]);
}
#define ONE_OF(row, words) one_of(row, words, sizeof words / sizeof *words)

static inline void add_pair(struct raw_row *row, struct buf *b, struct str name, struct str value)
{
    add_pair_length(row, b, name.n);
    add_pair_length(row, b, value.n);
    buf_add(b, name);
    buf_add(b, value);
}

/* A request as nginx sends them, or nearly, into `memory`. */
static inline void row_insert_request(struct raw_row *row, size_t at, struct buf *memory)
{
    static const char begins[2][8] = {{0, 1, 0}, {0, 1, 1}};
    uint16_t id = next_random(row, 4) ? 1 : (uint16_t)next_random(row, 0x10000);
    size_t start = memory->n;
    add_pair(row, memory, STR("BFF_LEG"), str_from(pair_values[next_random(row, 11)]));
    add_pair(row, memory, STR("REQUEST_METHOD"), str_from(pair_values[11 + next_random(row, 3)]));
    for (uint32_t more = next_random(row, 6); more > 0; more--)
        add_pair(row, memory, ONE_OF(row, pair_names), ONE_OF(row, pair_values));
    size_t body = next_random(row, 3) ? 0 : next_random(row, 40);
    if (memory->overflowed || memory->n + body > memory->cap)
        return;
    struct str params = {memory->p + start, memory->n - start};
    struct str content = {memory->p + start, body < params.n ? body : params.n};
    const char *begin = begins[next_random(row, 4) ? 1 : 0];
    row_insert(row, at, (struct raw_record){.type = STDIN_TYPE, .id = id});
    if (content.n > 0)
        row_insert(row, at, (struct raw_record){.type = STDIN_TYPE, .id = id, .content = content});
    row_insert(row, at, (struct raw_record){.type = PARAMS_TYPE, .id = id});
    row_insert(row, at, (struct raw_record){.type = PARAMS_TYPE, .id = id, .content = params});
    row_insert(row, at, (struct raw_record){.type = 1, .id = id, .content = {begin, 8}});
}

static inline void mutate_content(struct raw_record *r, struct buf *memory, size_t longest)
{
    size_t room = memory->cap - memory->n;
    if (room > r->content.n + longest)
        room = r->content.n + longest;
    if (room < r->content.n || room == 0)
        return;
    char *p = memory->p + memory->n;
    if (r->content.n > 0)
        memcpy(p, r->content.p, r->content.n);
    r->content = (struct str){p, LLVMFuzzerMutate((uint8_t *)p, r->content.n, room)};
    memory->n += room;
}

static inline void mutate_pairs(struct raw_row *row, struct raw_record *r, struct buf *memory)
{
    size_t start = memory->n;
    buf_add(memory, r->content);
    add_pair(row, memory, ONE_OF(row, pair_names), ONE_OF(row, pair_values));
    if (!memory->overflowed)
        r->content = (struct str){memory->p + start, memory->n - start};
}

static inline void cut_in_two(struct raw_row *row, size_t at)
{
    struct raw_record *r = &row->records[at], second = *r;
    size_t n = next_random(row, (uint32_t)r->content.n + 1);
    second.content = (struct str){r->content.p + n, r->content.n - n};
    r->content.n = n;
    row_insert(row, at + 1, second);
}

static inline void row_mutate(struct raw_row *row, struct buf *memory)
{
    static const uint16_t ids[] = {0, 1, 2, 255, 256, 65535};
    uint32_t what = next_random(row, 13);
    if (row->n == 0 || what == 0) {
        row_insert_request(row, next_random(row, (uint32_t)row->n + 1), memory);
        return;
    }
    size_t at = next_random(row, (uint32_t)row->n), other = next_random(row, (uint32_t)row->n);
    struct raw_record *r = &row->records[at], before = *r;
    switch (what) {
    case 1:
        r->type = (uint8_t)next_random(row, 13);
        break;
    case 2:
        r->id = ids[next_random(row, 6)];
        break;
    case 3:
        r->padding = (uint8_t)next_random(row, 256);
        break;
    case 4:
        row_insert(row, other, before);
        break;
    case 5:
        memmove(r, r + 1, (--row->n - at) * sizeof *r);
        break;
    case 6:
        *r = row->records[other];
        row->records[other] = before;
        break;
    case 7:
        cut_in_two(row, at);
        break;
    case 8:
        r->lie = (int)next_random(row, 600) - 300;
        break;
    case 9:
    case 10:
        mutate_pairs(row, r, memory);
        break;
    default:
        mutate_content(r, memory, 32);
        break;
    }
}

static inline size_t records_mutate(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    static char memory_bytes[1 << 16], out_bytes[1 << 16];
    struct raw_row row = {.random = seed | 1};
    if (size == 0 || next_random(&row, 8) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    struct buf memory = buf_make(memory_bytes, sizeof memory_bytes);
    struct buf out = buf_make(out_bytes, sizeof out_bytes);
    row_read(&row, (struct str){(const char *)data + 1, size - 1});
    do
        row_mutate(&row, &memory);
    while (next_random(&row, 3) == 0);
    buf_add_char(&out, next_random(&row, 16) ? (char)data[0] : (char)next_random(&row, 256));
    for (size_t i = 0; i < row.n; i++)
        record_add(&out, &row.records[i]);
    buf_add(&out, row.rest);
    size_t n = out.n < max_size ? out.n : max_size;
    memcpy(data, out_bytes, n);
    return n;
}

#endif

#include "server/records.h"

enum { VERSION_1 = 1 };
enum { BEGIN_REQUEST = 1, PARAMS = 4, STDIN = 5 };
enum { RESPONDER = 1 };
enum { HEADER_BYTES = 8, BEGIN_BYTES = 8 };

struct record {
    unsigned type, id;
    struct str content;
    size_t size; /* header, content and padding */
};

/* The lengths of one name-value pair may be cut anywhere by the end of a record. */
struct pairs {
    unsigned char lengths[8];
    size_t n_lengths;
    size_t skip; /* bytes of name and value still to pass */
};

static unsigned byte_at(struct str s, size_t i)
{
    return (unsigned char)s.p[i];
}

/* The record's header, and its content if all of it is there. */
static enum records_verdict read_record(struct str s, struct record *r, bool *has_content)
{
    if (s.n < HEADER_BYTES)
        return RECORDS_PARTIAL;
    if (byte_at(s, 0) != VERSION_1)
        return RECORDS_BROKEN;
    size_t content = byte_at(s, 4) << 8 | byte_at(s, 5);
    r->type = byte_at(s, 1);
    r->id = byte_at(s, 2) << 8 | byte_at(s, 3);
    r->size = HEADER_BYTES + content + byte_at(s, 6);
    r->content = (struct str){s.p + HEADER_BYTES, content};
    *has_content = s.n >= r->size;
    return RECORDS_READY;
}

/* How many bytes the length at lengths[from] takes, 0 while its first byte is missing. */
static size_t length_bytes(const struct pairs *p, size_t from)
{
    if (p->n_lengths <= from)
        return 0;
    return p->lengths[from] & 0x80 ? 4 : 1;
}

static size_t length_value(const unsigned char *b, size_t bytes)
{
    if (bytes == 1)
        return b[0];
    return (size_t)(b[0] & 0x7F) << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

/* With one more byte of lengths in: true when both are known and sane, or not yet complete. */
static bool take_lengths(struct pairs *p)
{
    size_t name_bytes = length_bytes(p, 0);
    size_t value_bytes = length_bytes(p, name_bytes);
    if (value_bytes == 0 || p->n_lengths < name_bytes + value_bytes)
        return true;
    size_t name = length_value(p->lengths, name_bytes);
    size_t value = length_value(p->lengths + name_bytes, value_bytes);
    if (name == 0 || name > RECORDS_MAX || value > RECORDS_MAX)
        return false;
    p->skip = name + value;
    p->n_lengths = 0;
    return true;
}

static bool pass_pairs(struct pairs *p, struct str content)
{
    while (content.n > 0) {
        size_t step = p->skip < content.n ? p->skip : content.n;
        if (step == 0) {
            p->lengths[p->n_lengths++] = (unsigned char)content.p[0];
            if (!take_lengths(p))
                return false;
            step = 1;
        } else {
            p->skip -= step;
        }
        content = (struct str){content.p + step, content.n - step};
    }
    return true;
}

static bool is_begin(const struct record *r)
{
    return r->type == BEGIN_REQUEST && r->id != 0 && r->content.n == BEGIN_BYTES &&
           (byte_at(r->content, 0) << 8 | byte_at(r->content, 1)) == RESPONDER;
}

enum records_verdict records_scan(struct str bytes, bool *has_body)
{
    struct pairs pairs = {.n_lengths = 0};
    unsigned id = 0;
    bool params_ended = false;
    for (;;) {
        struct record r;
        bool has_content;
        enum records_verdict v = read_record(bytes, &r, &has_content);
        if (v != RECORDS_READY)
            return v;
        if (id != 0 && r.id != id)
            return RECORDS_BROKEN;
        if (params_ended) {
            *has_body = r.content.n > 0;
            return r.type == STDIN ? RECORDS_READY : RECORDS_BROKEN;
        }
        if (!has_content)
            return RECORDS_PARTIAL;
        if (id == 0) {
            if (!is_begin(&r))
                return RECORDS_BROKEN;
            id = r.id;
        } else if (r.type != PARAMS || !pass_pairs(&pairs, r.content)) {
            return RECORDS_BROKEN;
        } else if (r.content.n == 0) {
            if (pairs.skip > 0 || pairs.n_lengths > 0)
                return RECORDS_BROKEN;
            params_ended = true;
        }
        bytes = (struct str){bytes.p + r.size, bytes.n - r.size};
    }
}

#include "server/records.h"

enum { VERSION_1 = 1 };
enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };
enum { RESPONDER = 1 };
enum { KEEP_CONN = 1 }; /* a flag of BEGIN_REQUEST */
enum { HEADER_BYTES = 8, BEGIN_BYTES = 8, END_BYTES = 8 };
enum { CONTENT_MAX = 65528 }; /* of what we send: the most that needs no padding */

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
    if (name == 0 || name > RECORDS_PARAMS_MAX || value > RECORDS_PARAMS_MAX)
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

/* Without padding: libfcgi passes none here, and would take it for records. */
static bool is_begin(const struct record *r)
{
    return r->type == BEGIN_REQUEST && r->id != 0 && r->content.n == BEGIN_BYTES &&
           r->size == HEADER_BYTES + BEGIN_BYTES &&
           (byte_at(r->content, 0) << 8 | byte_at(r->content, 1)) == RESPONDER;
}

/* What has been seen of a request. */
struct scan {
    struct records_request request;
    struct pairs pairs;
    size_t params;
    unsigned n_params;
    bool params_ended;
};

static bool begin(struct scan *s, const struct record *r)
{
    if (!is_begin(r))
        return false;
    s->request.id = r->id;
    s->request.keeps_connection = byte_at(r->content, 2) & KEEP_CONN;
    return true;
}

static bool add_params(struct scan *s, const struct record *r)
{
    s->params += r->content.n;
    if (r->type != PARAMS || s->params > RECORDS_PARAMS_MAX || !pass_pairs(&s->pairs, r->content))
        return false;
    s->params_ended = r->content.n == 0;
    if (s->params_ended)
        return s->pairs.skip == 0 && s->pairs.n_lengths == 0;
    s->request.pairs = s->n_params++ == 0 ? r->content : (struct str){NULL, 0};
    return true;
}

static bool add_body(struct scan *s, const struct record *r)
{
    s->request.body += r->content.n;
    return r->type == STDIN && s->request.body <= RECORDS_BODY_MAX;
}

/* false: it does not belong there. */
static bool add_record(struct scan *s, const struct record *r)
{
    if (s->request.id == 0)
        return begin(s, r);
    if (r->id != s->request.id)
        return false;
    return s->params_ended ? add_body(s, r) : add_params(s, r);
}

enum records_verdict records_scan(struct str bytes, struct records_request *out)
{
    struct scan s = {.params_ended = false};
    for (bool is_end = false; !is_end;) {
        struct record r;
        bool has_content;
        enum records_verdict v = read_record(bytes, &r, &has_content);
        if (v != RECORDS_READY)
            return v;
        if (!has_content)
            return RECORDS_PARTIAL;
        is_end = s.params_ended && r.content.n == 0;
        if (!add_record(&s, &r))
            return RECORDS_BROKEN;
        s.request.size += r.size;
        bytes = (struct str){bytes.p + r.size, bytes.n - r.size};
    }
    *out = s.request;
    return RECORDS_READY;
}

static size_t cut_length(struct str *s)
{
    size_t bytes = byte_at(*s, 0) & 0x80 ? 4 : 1;
    size_t value = length_value((const unsigned char *)s->p, bytes);
    *s = (struct str){s->p + bytes, s->n - bytes};
    return value;
}

bool records_next_pair(struct str *pairs, struct str *name, struct str *value)
{
    if (pairs->n == 0)
        return false;
    size_t name_length = cut_length(pairs), value_length = cut_length(pairs);
    *name = (struct str){pairs->p, name_length};
    *value = (struct str){pairs->p + name_length, value_length};
    pairs->p += name_length + value_length;
    pairs->n -= name_length + value_length;
    return true;
}

size_t records_answer_size(size_t bytes)
{
    return bytes + (bytes / CONTENT_MAX + 5) * HEADER_BYTES;
}

static void add_header(struct buf *b, unsigned type, unsigned id, size_t content)
{
    char header[HEADER_BYTES] = {
        VERSION_1, (char)type, (char)(id >> 8), (char)id, (char)(content >> 8), (char)content,
    };
    buf_add(b, (struct str){header, sizeof header});
}

static void add_stdout(struct buf *b, unsigned id, struct str content)
{
    while (content.n > 0) {
        size_t n = content.n < CONTENT_MAX ? content.n : CONTENT_MAX;
        add_header(b, STDOUT, id, n);
        buf_add(b, (struct str){content.p, n});
        content = (struct str){content.p + n, content.n - n};
    }
}

void records_add_answer(struct buf *b, unsigned id, struct str head, struct str body)
{
    static const char completed[END_BYTES] = {0}; /* exit status 0, FCGI_REQUEST_COMPLETE */
    add_stdout(b, id, head);
    add_stdout(b, id, body);
    add_header(b, STDOUT, id, 0);
    add_header(b, END_REQUEST, id, END_BYTES);
    buf_add(b, (struct str){completed, sizeof completed});
}

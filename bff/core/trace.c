#include "core/trace.h"

#include <string.h>

#include "base/buf.h"

enum { VERSION_AT = 0, ID_AT = 3, SPAN_AT = 36, FLAGS_AT = 53 };
enum { ID_DIGITS = 32, SPAN_DIGITS = 16, PAIR = 2 };
enum { SAMPLED = 1 };

static bool are_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

static bool is_id(struct str s)
{
    bool is_zero = true;
    for (size_t i = 0; i < s.n; i++)
        is_zero = is_zero && s.p[i] == '0';
    return are_digits(s) && !is_zero;
}

static struct str part(struct str s, size_t at, size_t n)
{
    return (struct str){s.p + at, n};
}

static bool has_dashes(struct str s)
{
    return s.p[ID_AT - 1] == '-' && s.p[SPAN_AT - 1] == '-' && s.p[FLAGS_AT - 1] == '-';
}

static bool is_of_a_version(struct str s)
{
    struct str version = part(s, VERSION_AT, PAIR);
    if (!are_digits(version) || str_eq(version, STR("ff")))
        return false;
    return s.n == TRACEPARENT_LENGTH ||
           (!str_eq(version, STR("00")) && s.p[TRACEPARENT_LENGTH] == '-');
}

struct str trace_id(struct str traceparent)
{
    struct str none = {NULL, 0};
    if (traceparent.n < TRACEPARENT_LENGTH || !has_dashes(traceparent) ||
        !is_of_a_version(traceparent))
        return none;
    struct str id = part(traceparent, ID_AT, ID_DIGITS);
    bool is_valid = is_id(id) && is_id(part(traceparent, SPAN_AT, SPAN_DIGITS)) &&
                    are_digits(part(traceparent, FLAGS_AT, PAIR));
    return is_valid ? id : none;
}

void trace_child(struct str traceparent, const unsigned char span[SPAN_BYTES],
                 char out[TRACEPARENT_LENGTH])
{
    bool is_sampled = str_hex_digit(traceparent.p[FLAGS_AT + 1]) & SAMPLED;
    struct buf b = buf_make(out, TRACEPARENT_LENGTH);
    buf_add(&b, STR("00-"));
    buf_add(&b, part(traceparent, ID_AT, ID_DIGITS));
    buf_add_char(&b, '-');
    buf_add_hex(&b, span, SPAN_BYTES);
    buf_add(&b, is_sampled ? STR("-01") : STR("-00"));
}

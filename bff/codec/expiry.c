#include "codec/expiry.h"

#include "codec/date.h"

#define LIFE_MAX_S (TOKEN_LIFE_MAX_MS / 1000)

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* Digits only; a number above LIFE_MAX_S counts as that. */
static bool read_digits(struct str s, int64_t *out)
{
    uint64_t value;
    if (!is_digits(s))
        return false;
    *out = str_to_u64(s, INT64_MAX, &value) ? (int64_t)value : INT64_MAX;
    return true;
}

static int64_t bounded_ms(int64_t seconds)
{
    if (seconds <= 0)
        return 0;
    return seconds > LIFE_MAX_S ? TOKEN_LIFE_MAX_MS : seconds * 1000;
}

/* `iat` plays no part: a refreshed token of simplejwt 5.2 carries that of its refresh token. */
static int64_t ms_until(int64_t end_s, int64_t received_s)
{
    if (end_s <= received_s)
        return 0;
    uint64_t left_s = (uint64_t)end_s - (uint64_t)received_s;
    return bounded_ms(left_s > LIFE_MAX_S ? LIFE_MAX_S : (int64_t)left_s);
}

static struct str text_of(const json_t *value)
{
    return json_is_string(value) ? (struct str){json_string_value(value), json_string_length(value)}
                                 : (struct str){NULL, 0};
}

/* RFC 6749, 5.1. A number below zero is no life: some write -1 for "does not expire". */
static bool by_seconds(const json_t *value, int64_t *life_ms)
{
    int64_t seconds;
    if (!json_seconds(value, &seconds) && !read_digits(text_of(value), &seconds))
        return false;
    *life_ms = bounded_ms(seconds);
    return seconds >= 0;
}

static bool by_time(const json_t *value, int64_t received_s, int64_t *life_ms)
{
    int64_t end_s;
    if (!json_seconds(value, &end_s) && !read_digits(text_of(value), &end_s) &&
        !date_read_iso(text_of(value), &end_s))
        return false;
    *life_ms = ms_until(end_s, received_s);
    return true;
}

/* RFC 6265, 5.2.2: digits, perhaps with '-' before them; what is not above zero is over at once. */
static bool read_max_age(struct str value, int64_t *life_ms)
{
    bool is_negative = value.n > 0 && value.p[0] == '-';
    struct str digits = is_negative ? (struct str){value.p + 1, value.n - 1} : value;
    int64_t seconds;
    if (!read_digits(digits, &seconds))
        return false;
    *life_ms = is_negative ? 0 : bounded_ms(seconds);
    return true;
}

/* RFC 6265, 5.2 and 5.3: Max-Age wins, of each the last; what cannot be read is not there. */
static bool by_cookie(struct str set_cookie, int64_t received_s, int64_t *life_ms)
{
    struct str_cut attribute = str_cut(set_cookie, ';');
    bool has_max_age = false, has_expires = false;
    while (attribute.found) {
        attribute = str_cut(attribute.tail, ';');
        struct str_cut named = str_cut(attribute.head, '=');
        struct str name = str_trim(named.head), value = str_trim(named.tail);
        int64_t end_s;
        if (str_eq_nocase(name, STR("Max-Age")) && read_max_age(value, life_ms))
            has_max_age = true;
        if (!has_max_age && str_eq_nocase(name, STR("Expires")) &&
            date_read_cookie(value, &end_s)) {
            *life_ms = ms_until(end_s, received_s);
            has_expires = true;
        }
    }
    return has_max_age || has_expires;
}

static bool by_rule(const struct config_expiry *rule, const struct expiry_evidence *e,
                    int64_t *life_ms)
{
    switch (rule->kind) {
    case EXPIRY_EXP:
        return false;
    case EXPIRY_SECONDS:
        return by_seconds(json_at(e->body, rule->pointer), life_ms);
    case EXPIRY_TIME:
        return by_time(json_at(e->body, rule->pointer), e->received_s, life_ms);
    case EXPIRY_MAX_AGE:
        return by_cookie(e->set_cookie, e->received_s, life_ms);
    case EXPIRY_AFTER:
        *life_ms = rule->after_ms;
        return true;
    }
    return false;
}

int64_t expiry_life_ms(const struct config_expiry *rule, const struct expiry_evidence *e)
{
    int64_t life_ms = TOKEN_LIFE_UNKNOWN;
    if (by_rule(rule, e, &life_ms))
        return life_ms;
    return e->has_exp ? ms_until(e->exp_s, e->received_s) : TOKEN_LIFE_UNKNOWN;
}

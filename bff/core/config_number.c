/* Values with a range: numbers, durations, sizes, permissions. */
#include <inttypes.h>

#include "core/config_internal.h"

#define MAX_NUMBER 1000000000 /* times the largest unit it stays far below 2^63 */

struct unit {
    struct str suffix;
    uint64_t factor;
};

#define UNIT(suffix, factor)                                                                       \
    {                                                                                              \
        {"" suffix, sizeof(suffix) - 1}, factor                                                    \
    }

/* The largest first. */
static const struct unit units_of_time_ms[] = {
    UNIT("d", 24 * 60 * 60 * 1000),
    UNIT("h", 60 * 60 * 1000),
    UNIT("m", 60 * 1000),
    UNIT("s", 1000),
    UNIT("ms", 1),
};
static const struct unit units_of_size[] = {
    UNIT("m", 1024 * 1024),
    UNIT("k", 1024),
    UNIT("", 1),
};
#define N_TIME (sizeof units_of_time_ms / sizeof units_of_time_ms[0])
#define N_SIZE (sizeof units_of_size / sizeof units_of_size[0])

static bool read_with_unit(struct str text, const struct unit *units, size_t n, uint64_t *out)
{
    size_t digits = 0;
    if (text.n == 0)
        return false;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    struct str suffix = {text.p + digits, text.n - digits};
    uint64_t number;
    if (!str_to_u64((struct str){text.p, digits}, MAX_NUMBER, &number))
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_eq(units[i].suffix, suffix)) {
            *out = number * units[i].factor;
            return true;
        }
    return false;
}

static bool store(const struct config_option *option, uint64_t value, void *field)
{
    if (value < option->min || value > option->max)
        return false;
    *(uint32_t *)field = (uint32_t)value;
    return true;
}

bool config_read_count(const struct config_option *option, struct str text, void *field,
                       struct config_refusal *refusal)
{
    (void)refusal;
    uint64_t value;
    return str_to_u64(text, UINT32_MAX, &value) && store(option, value, field);
}

bool config_read_workers(const struct config_option *option, struct str text, void *field,
                         struct config_refusal *refusal)
{
    if (!str_eq(text, STR("auto")))
        return config_read_count(option, text, field, refusal);
    *(uint32_t *)field = 0;
    return true;
}

bool config_read_mode(const struct config_option *option, struct str text, void *field,
                      struct config_refusal *refusal)
{
    (void)refusal;
    uint64_t value = 0;
    if (text.n < 3 || text.n > 4)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '7')
            return false;
        value = value * 8 + (uint64_t)(text.p[i] - '0');
    }
    return store(option, value, field);
}

bool config_read_duration(const struct config_option *option, struct str text, void *field,
                          struct config_refusal *refusal)
{
    (void)refusal;
    uint64_t ms;
    if (!read_with_unit(text, units_of_time_ms, N_TIME, &ms))
        return false;
    if (option->kind == KIND_DURATION_MS)
        return store(option, ms, field);
    return ms % 1000 == 0 && store(option, ms / 1000, field);
}

bool config_read_duration_ms(const struct config_option *option, struct str text, uint32_t *ms)
{
    uint64_t value;
    return read_with_unit(text, units_of_time_ms, N_TIME, &value) && store(option, value, ms);
}

bool config_read_size(const struct config_option *option, struct str text, void *field,
                      struct config_refusal *refusal)
{
    (void)refusal;
    uint64_t bytes;
    return read_with_unit(text, units_of_size, N_SIZE, &bytes) && store(option, bytes, field);
}

/* In the largest unit that it is a whole multiple of; 60s rather than 1m, as people write it. */
static void add_duration(struct buf *out, uint64_t ms)
{
    size_t i = 0;
    while (units_of_time_ms[i].factor > 1 &&
           (ms % units_of_time_ms[i].factor != 0 ||
            (units_of_time_ms[i].factor > 1000 && ms < 2 * units_of_time_ms[i].factor)))
        i++;
    buf_add_i64(out, (int64_t)(ms / units_of_time_ms[i].factor));
    buf_add(out, units_of_time_ms[i].suffix);
}

static void add_size(struct buf *out, uint64_t bytes)
{
    size_t i = 0;
    while (bytes % units_of_size[i].factor != 0)
        i++;
    buf_add_i64(out, (int64_t)(bytes / units_of_size[i].factor));
    buf_add(out, units_of_size[i].suffix);
}

static void add_bound(struct buf *out, const struct config_option *option, uint32_t value)
{
    if (option->kind == KIND_SIZE)
        add_size(out, value);
    else if (option->kind == KIND_DURATION_MS || option->kind == KIND_EXPIRY)
        add_duration(out, value);
    else if (option->kind == KIND_DURATION_S)
        add_duration(out, (uint64_t)value * 1000);
    else
        buf_add_i64(out, value);
}

static void add_range(struct buf *out, const char *what, const struct config_option *option)
{
    buf_add(out, str_from(what));
    buf_add(out, STR(" from "));
    add_bound(out, option, option->min);
    buf_add(out, STR(" to "));
    add_bound(out, option, option->max);
}

/* What a kind allows, if it is always the same. */
static const char *const fixed_sentences[] = {
#define X(kind, type, reader, word, allowed) [KIND_##kind] = (allowed),
    CONFIG_KINDS(X)
#undef X
};

static void add_example(struct buf *out, const struct config_option *option)
{
    buf_add(out, STR(", such as "));
    buf_add(out, option->standard);
}

void config_add_allowed(struct buf *out, const struct config_option *option)
{
    if (fixed_sentences[option->kind]) {
        buf_add(out, str_from(fixed_sentences[option->kind]));
    } else if (option->kind == KIND_PRESET) {
        for (size_t i = 0; i < CONFIG_N_PRESETS; i++) {
            buf_add(out, config_presets[i].name);
            buf_add(out, STR(", "));
        }
        buf_add(out, STR("or none, which needs every key of [login] and [refresh]"));
    } else if (option->kind == KIND_MODE) {
        buf_add(out, STR("octal permissions from 0600 to 0777"));
        add_example(out, option);
    } else if (option->kind == KIND_MATCH) {
        add_range(out, "at most 16 statuses", option);
        buf_add(out, STR(", or json:/POINTER=VALUE"));
    } else if (option->kind == KIND_EXPIRY) {
        buf_add(out, STR("exp, seconds json:/POINTER, time json:/POINTER, max-age, or"));
        add_range(out, " after DURATION, with a duration", option);
    } else if (option->kind == KIND_WORKERS) {
        add_range(out, "auto, or a number", option);
    } else if (option->kind == KIND_COUNT) {
        add_range(out, "a number", option);
    } else {
        add_range(out, option->kind == KIND_SIZE ? "a size" : "a duration", option);
        add_example(out, option);
    }
}

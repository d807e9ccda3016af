/* The small grammars that names and values of the configuration are made of. */
#include <string.h>

#include "core/config_internal.h"

#define NEAREST_MAX_NAME 48

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool config_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alphanumeric(s.p[i]) && (s.p[i] == 0 || !strchr("!#$%&'*+-.^_`|~", s.p[i])))
            return false;
    return s.n > 0;
}

bool config_is_visible(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] > 0x7E)
            return false;
    return s.n > 0;
}

bool config_is_pointer(struct str s)
{
    if (!config_is_visible(s) || s.p[0] != '/' || s.n == 1)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '~' && (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1')))
            return false;
    return true;
}

struct str config_next_word(struct str *rest)
{
    struct str s = str_trim(*rest);
    size_t n = 0;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
        n++;
    *rest = n < s.n ? str_trim((struct str){s.p + n, s.n - n}) : (struct str){NULL, 0};
    return (struct str){s.p, n};
}

struct config_variables config_find_variables(struct str text)
{
    struct config_variables found = {.has_bare = false};
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '$')
            continue;
        size_t start = i + 1, end = start;
        while (end < text.n && (is_alphanumeric(text.p[end]) || text.p[end] == '_'))
            end++;
        struct str name = {text.p + start, end - start};
        if (name.n == 0)
            found.has_bare = true;
        else if (str_eq(name, STR("access")))
            found.n_access++;
        else if (str_eq(name, STR("refresh")))
            found.n_refresh++;
        else
            found.n_others++;
    }
    return found;
}

struct str config_bare_path(const struct config_call *call)
{
    struct str path = str_cut(call->path, '?').head;
    if (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

bool config_is_same_call(const struct config_call *a, const struct config_call *b)
{
    return str_eq(a->method, b->method) && str_eq(config_bare_path(a), config_bare_path(b));
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Insertions, deletions and replacements that turn one into the other (Levenshtein). */
static size_t edit_distance(struct str a, struct str b)
{
    size_t row[NEAREST_MAX_NAME + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);
            diagonal = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b.n];
}

size_t config_nearest(struct str wrong, const struct str *names, size_t n)
{
    size_t nearest = n, least = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        if (wrong.n < 2 || wrong.n > NEAREST_MAX_NAME || names[i].n > NEAREST_MAX_NAME)
            continue;
        bool one_starts_the_other = str_starts(names[i], wrong) || str_starts(wrong, names[i]);
        size_t distance = edit_distance(wrong, names[i]);
        if (distance < least && (one_starts_the_other || distance <= 1 + names[i].n / 4)) {
            least = distance;
            nearest = i;
        }
    }
    return nearest;
}

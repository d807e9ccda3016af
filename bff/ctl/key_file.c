#include "ctl/key_file.h"

#include "base/buf.h"

#define OPENS STR("# bffctl: opens since ")
#define SEALS STR("# bffctl: seals since ")
#define LINES_MORE 256 /* a key, a comment of ours, line ends */

/* A key's line, and what stands above it. */
struct entry {
    struct str head, key;
};

static bool is_key(struct str line)
{
    line = str_trim(line);
    return line.n > 0 && line.p[0] != '#';
}

/* The next one of `rest`; false when what is left holds no key. */
static bool next_entry(struct str *rest, struct entry *out)
{
    struct str_cut cut = {.tail = *rest, .found = true};
    while (cut.found) {
        cut = str_cut(cut.tail, '\n');
        if (!is_key(cut.head))
            continue;
        size_t above = (size_t)(cut.head.p - rest->p);
        *out = (struct entry){{rest->p, above}, str_trim(cut.head)};
        *rest = cut.tail;
        return true;
    }
    return false;
}

/* The time in a comment of ours that begins so; empty if there is none. The last one counts: one
 * above it was left there by somebody who took away the key it was for. */
static struct str since(struct str head, struct str beginning)
{
    struct str_cut cut = {.tail = head, .found = true};
    struct str found = {NULL, 0};
    while (cut.found) {
        cut = str_cut(cut.tail, '\n');
        if (str_starts(cut.head, beginning))
            found = str_trim((struct str){cut.head.p + beginning.n, cut.head.n - beginning.n});
    }
    return found;
}

struct key_file_state key_file_state(struct str text)
{
    struct key_file_state state = {.stage = KEYS_ALONE};
    struct entry e = {0};
    struct str seals = {NULL, 0};
    for (; next_entry(&text, &e); state.n_keys++)
        if (state.n_keys == 0)
            seals = since(e.head, SEALS);
    if (state.n_keys < 2)
        return state;
    state.stage = KEYS_OTHER;
    state.since = since(e.head, OPENS);
    if (state.since.n > 0) {
        state.stage = KEYS_ADDED;
    } else if (seals.n > 0) {
        state.stage = KEYS_USED;
        state.since = seals;
    }
    return state;
}

/* The key with what others wrote above it. */
static void add_entry(struct buf *b, const struct entry *e)
{
    struct str_cut cut = {.tail = e->head, .found = e->head.n > 0};
    while (cut.found) {
        cut = str_cut(cut.tail, '\n');
        bool is_ours = str_starts(cut.head, OPENS) || str_starts(cut.head, SEALS);
        if (is_ours || !cut.found)
            continue;
        buf_add(b, cut.head);
        buf_add_char(b, '\n');
    }
    buf_add(b, e->key);
    buf_add_char(b, '\n');
}

static void add_comment(struct buf *b, struct str beginning, struct str now)
{
    buf_add(b, beginning);
    buf_add(b, now);
    buf_add_char(b, '\n');
}

static bool begin(struct str text, struct arena *arena, struct buf *b)
{
    char *memory = arena_alloc(arena, text.n + LINES_MORE);
    *b = buf_make(memory, memory ? text.n + LINES_MORE : 0);
    return memory != NULL;
}

static bool end(const struct buf *b, struct str *out)
{
    *out = buf_str(b);
    return !b->overflowed;
}

bool key_file_add(struct str text, struct str key, struct str now, struct arena *arena,
                  struct str *out)
{
    struct buf b;
    if (!begin(text, arena, &b))
        return false;
    buf_add(&b, text);
    if (text.n > 0 && text.p[text.n - 1] != '\n')
        buf_add_char(&b, '\n');
    add_comment(&b, OPENS, now);
    buf_add(&b, key);
    buf_add_char(&b, '\n');
    return end(&b, out);
}

bool key_file_use(struct str text, struct str now, struct arena *arena, struct str *out)
{
    struct buf b;
    struct entry e = {0};
    struct str rest = text;
    size_t n = 0;
    while (next_entry(&rest, &e))
        n++;
    if (!begin(text, arena, &b))
        return false;
    add_comment(&b, SEALS, now);
    add_entry(&b, &e);
    rest = text;
    for (size_t i = 0; i + 1 < n && next_entry(&rest, &e); i++)
        add_entry(&b, &e);
    return end(&b, out);
}

bool key_file_drop(struct str text, struct arena *arena, struct str *out)
{
    struct buf b;
    struct entry e = {0};
    if (!begin(text, arena, &b) || !next_entry(&text, &e))
        return false;
    add_entry(&b, &e);
    return end(&b, out);
}

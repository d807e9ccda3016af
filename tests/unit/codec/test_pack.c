#include "../arena_fixture.h"
#include "codec/pack.h"
#include "fixtures.h"

#define LIMIT (64 * 1024)

#define HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
#define SIGNATURE "yK7gh3VZc3zRHCIyTZ7fHWMsi9BwvF4tVQJXlrUo8nM"
#define PAYLOAD                                                                                    \
    "{\"token_type\":\"access\",\"exp\":1763750000,\"iat\":1763749700,"                            \
    "\"jti\":\"0f5ab9bd4b1e4c0f8d8f3c1f6a1d2e3b\",\"user_id\":\"42\"}"

static struct str packed_alone(struct str text)
{
    char *p = arena_alloc(&arena, PACK_MAX(text.n));
    assert_non_null(p);
    struct buf row = buf_make(p, PACK_MAX(text.n));
    assert_int_equal(pack_add(&row, text, &arena), BFF_OK);
    struct str rest = buf_str(&row), packed;
    assert_true(pack_next(&rest, &packed));
    assert_int_equal(rest.n, 0);
    return packed;
}

/* It comes back as it was, and as its packed form. */
static struct str survives(struct str text)
{
    struct str packed = packed_alone(text), back = {NULL, 0};
    assert_int_equal(unpack(packed, LIMIT, &arena, &back), BFF_OK);
    assert_int_equal(back.n, text.n);
    if (text.n > 0)
        assert_memory_equal(back.p, text.p, text.n);
    return packed;
}

static struct str jwt(const char *header, const char *payload, const char *signature)
{
    struct str body = base64url(&arena, str_from(payload)), out;
    assert_true(arena_printf(&arena, &out, "%s%.*s.%s", header, STR_ARG(body), signature));
    return out;
}

static void a_token_of_simplejwt_takes_its_randomness_and_little_more(void **state)
{
    (void)state;
    struct str token = jwt(HEADER, PAYLOAD, SIGNATURE);
    assert_int_equal(token.n, 232);
    assert_in_range(survives(token).n, 32 + 16 + 2 * 4, 80); /* signature, jti, times */
}

/* What is stored is read by later programs: these bytes may only change with the version of the
 * record. */
static void the_packed_form_is_pinned(void **state)
{
    (void)state;
    static const char *const steps[][2] = {
        {"\x80\xfe\x17\x87\xfa\x69\x20\xb0\xb0\x8e\xfa\x69\x20\xaf\x84\x90\xfb\x04\xde\xad\xbe\xef"
         "\x93"
         "42\xc7.\xfd\x09"
         "foobarbaz",
         HEADER "eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzYzNzUwMDY0LCJpYXQiOjE3NjM3NDk3NjQsImp0aS"
                "I6ImRlYWRiZWVmIiwidXNlcl9pZCI6IjQyIn0.Zm9vYmFyYmF6"},
        {"\xfc\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef",
         "01234567-89ab-cdef-0123-456789abcdef"},
        {"Z\xff\x02\xc3\xbc"
         "e",
         "Z\xc3\xbc"
         "e"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct str text;
        assert_int_equal(unpack(str_from(steps[i][0]), LIMIT, &arena, &text), BFF_OK);
        assert_str(text, str_from(steps[i][1]));
        assert_str(packed_alone(text), str_from(steps[i][0]));
    }
}

static void what_looks_like_something_and_is_not_comes_back_as_it_was(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "a",
        ".",
        "..",
        "0",
        "000000",
        "0123456789",
        "4294967295",
        "4294967296",
        "00000000000000000000000000000000000001",
        "DEADBEEF",
        "deadbeefdeadbee",
        "deadbee-f",
        "01234567-89ab-cdef-0123-456789abcde",
        "01234567-89ab-cdef-0123-456789abcdeF",
        "01234567-89ab-cdef-0123_456789abcdef",
        HEADER,
        HEADER "x.y",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJub25lIn1.e31.Zh",
        "eyJhbGciOiJub25lIn0==.e30=.Zg==",
        "eyJhbGciOiJub25lIn0\n.e30",
        "Bearer Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy",
        "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmF",
        "4/0AX4XfWgabcdefghij~klmnop+qrs/tuv==",
        "{\"token_type\":\"access\",\"exp\":\"token_type\":\"refresh\"",
        "\x80\xff\xfe\xfd",
        "a\x80"
        "b\x80"
        "c\x80"
        "d\x80"
        "e\x80"
        "f\x80"
        "g\x80"
        "h\x80",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        survives(str_from(texts[i]));
    survives(STR("\0\0a\0"));
}

static void a_token_inside_a_token_comes_back(void **state)
{
    (void)state;
    struct str inner = jwt(HEADER, PAYLOAD, SIGNATURE);
    struct str outer = jwt("eyJraWQiOiIxIn0.", inner.p, SIGNATURE);
    survives(outer);
    survives(jwt(HEADER, outer.p, SIGNATURE));
}

/* A small generator of its own, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static const char *const pieces[] = {
    HEADER,       SIGNATURE,
    "eyJ",        ".",
    "-",          "_",
    "=",          "\"",
    "{\"",        ",\"exp\":",
    "1763750000", "0",
    "deadbeef",   "01234567-89ab-cdef-0123-456789abcdef",
    "Zg",         "Zh",
    "\xc3\xbc",   "\x80",
    "\xff",       "true",
    "user_id",    "@gmail.com\"",
    " ",          "A",
    "f",
};

/* Pieces of what is packed in a way of its own, whole and cut, and any bytes. */
static struct str random_text(uint32_t *random)
{
    static char text[2048];
    struct buf b = buf_make(text, sizeof text);
    for (uint32_t left = next_random(random) % 24; left > 0; left--) {
        uint32_t r = next_random(random);
        struct str piece = str_from(pieces[r % (sizeof pieces / sizeof *pieces)]);
        if (r >> 28 == 0)
            piece.n = (r >> 8) % (piece.n + 1);
        if (r >> 28 < 14)
            buf_add(&b, piece);
        else
            buf_add_char(&b, (char)(r >> 16));
    }
    return buf_str(&b);
}

static void any_text_comes_back_and_grows_by_no_more_than_is_said(void **state)
{
    (void)state;
    uint32_t random = 20261121;
    for (int i = 0; i < 20000; i++) {
        struct str text = random_text(&random);
        if (i % 2)
            text = base64url(&arena, text);
        survives(text);
        arena_reset(&arena);
    }
}

static void texts_of_every_length_come_back(void **state)
{
    (void)state;
    for (size_t n = 0; n < 400; n++) {
        survives(filled(&arena, 'x', n));
        survives(filled(&arena, '\xe4', n));
        survives(filled(&arena, '0', n));
        survives(filled(&arena, '7', n));
        arena_reset(&arena);
    }
    survives(filled(&arena, '\xe4', LIMIT));
    survives(filled(&arena, 'A', 16384));
}

static void a_row_gives_its_texts_in_order(void **state)
{
    (void)state;
    char memory[64];
    struct buf row = buf_make(memory, sizeof memory);
    static const char *const texts[] = {"one", "", "deadbeef", "four"};
    struct str packed, text;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pack_add(&row, str_from(texts[i]), &arena), BFF_OK);
    struct str rest = buf_str(&row);
    for (size_t i = 0; i < 4; i++) {
        assert_true(pack_next(&rest, &packed));
        assert_int_equal(unpack(packed, LIMIT, &arena, &text), BFF_OK);
        assert_str(text, str_from(texts[i]));
    }
    assert_false(pack_next(&rest, &packed));
}

static void a_row_that_was_cut_is_none(void **state)
{
    (void)state;
    static const struct str cut[] = {
        {"", 0}, {"\3ab", 3}, {"\x80", 1}, {"\xff\xff\xff\xff\x01", 5}, {"\xff\xff\xff\x7fxx", 6},
    };
    struct str packed;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        struct str rest = cut[i];
        assert_false(pack_next(&rest, &packed));
        assert_int_equal(rest.n, cut[i].n);
    }
}

static void what_is_not_packed_is_refused(void **state)
{
    (void)state;
    static const struct str wrong[] = {
        {"\xc9", 1},
        {"\xf9", 1},       /* no such phrase */
        {"\xfa\1\2\3", 4}, /* a number cut off */
        {"\xfb", 1},
        {"\xfb\x02x", 3}, /* hex without its length, cut off */
        {"\xfc"
         "0123456789abcde",
         16},                    /* a UUID cut off */
        {"\xfd\x05xxxx", 6},     /* base64 cut off */
        {"\xfe\x02\xfa\x01", 4}, /* nothing that is packed inside */
        {"\xfe\x05\xfe\x03"
         "abc",
         7},                              /* one packed inside another */
        {"ab\xff\x02x", 5},               /* bytes cut off */
        {"\xff\x80\x80\x80\x80\x01x", 7}, /* a length of too many bytes */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct str out = {"before", 6};
        assert_int_equal(unpack(wrong[i], LIMIT, &arena, &out), BFF_ERR_MALFORMED);
        assert_str(out, STR("before"));
    }
}

static void a_bomb_is_refused_before_anything_is_allocated(void **state)
{
    (void)state;
    struct str phrases = filled(&arena, '\x80', LIMIT), out; /* 38 characters each */
    struct arena small = arena_make(256);
    assert_int_equal(unpack(phrases, LIMIT, &small, &out), BFF_ERR_MALFORMED);
    assert_int_equal(small.taken, 0);
    assert_int_equal(unpack(STR("abcd"), 3, &arena, &out), BFF_ERR_MALFORMED);
    assert_int_equal(unpack(STR("\xfe\x04"
                                "abcd"),
                            5, &arena, &out),
                     BFF_ERR_MALFORMED);
    assert_int_equal(unpack(STR("\xfe\x04"
                                "abcd"),
                            6, &arena, &out),
                     BFF_OK);
    arena_free(&small);
}

static void exhaustion_is_an_error_not_an_exit(void **state)
{
    (void)state;
    struct str token = jwt(HEADER, PAYLOAD, SIGNATURE), out;
    char memory[512];
    int failures = 0;
    for (size_t limit = 64; limit < 4096; limit += 64) {
        struct arena small = arena_make(limit);
        struct buf row = buf_make(memory, sizeof memory);
        enum bff_err err = pack_add(&row, token, &small);
        assert_true(err == BFF_OK || err == BFF_ERR_NO_MEMORY);
        failures += err != BFF_OK;
        arena_free(&small);
    }
    assert_in_range(failures, 2, 62);
    struct buf full = buf_make(memory, 20);
    assert_int_equal(pack_add(&full, token, &arena), BFF_ERR_NO_MEMORY);
    struct arena none = arena_make(16);
    assert_int_equal(unpack(packed_alone(token), LIMIT, &none, &out), BFF_ERR_NO_MEMORY);
    arena_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_token_of_simplejwt_takes_its_randomness_and_little_more),
        T(the_packed_form_is_pinned),
        T(what_looks_like_something_and_is_not_comes_back_as_it_was),
        T(a_token_inside_a_token_comes_back),
        T(any_text_comes_back_and_grows_by_no_more_than_is_said),
        T(texts_of_every_length_come_back),
        T(a_row_gives_its_texts_in_order),
        T(a_row_that_was_cut_is_none),
        T(what_is_not_packed_is_refused),
        T(a_bomb_is_refused_before_anything_is_allocated),
        T(exhaustion_is_an_error_not_an_exit),
    };
    return cmocka_run_group_tests_name("codec/pack", tests, NULL, NULL);
}

#include "../arena_fixture.h"
#include "base/wiping_heap.h"
#include "codec/json.h"
#include "fixtures.h"
#include "heap.h"

static void a_complete_text_is_read(void **state)
{
    (void)state;
    const char *texts[] = {"{}", " [1,2] ", "false", "null", "\"a\\u0000b\"", "1.5", "{\"\":{}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *value = json_read(str_from(texts[i]));
        assert_non_null(value);
        json_decref(value);
    }
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    const char *texts[] = {"",
                           "{",
                           "{\"a\":1",
                           "{} x",
                           "<p>",
                           "{\"a\":\"\xFF\"}",
                           "{\"a\":1,\"a\":2}",
                           "\xEF\xBB\xBF{}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_null(json_read(str_from(texts[i])));
    assert_null(json_read((struct str){NULL, 0}));
}

static void nesting_has_an_end(void **state)
{
    (void)state;
    assert_null(json_read(filled(&arena, '[', 100000)));
}

static const char document[] = "{\"\":0,\"a\":{\"b/c\":1,\"d~e\":2,\"~1\":3},"
                               "\"list\":[4,{\"x\":5}],\"n\":null,\"0\":6}";

static void a_pointer_finds_its_value(void **state)
{
    (void)state;
    static const struct {
        const char *pointer;
        int value;
    } rows[] = {{"/", 0},       {"/a/b~1c", 1},   {"/a/d~0e", 2}, {"/a/~01", 3},
                {"/list/0", 4}, {"/list/1/x", 5}, {"/0", 6}};
    json_t *root = json_read(str_from(document));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *found = json_at(root, str_from(rows[i].pointer));
        assert_true(json_is_integer(found));
        assert_int_equal(json_integer_value(found), rows[i].value);
    }
    assert_ptr_equal(json_at(root, STR("")), root);
    assert_true(json_is_null(json_at(root, STR("/n"))));
    json_decref(root);
}

static void a_pointer_to_nowhere_finds_nothing(void **state)
{
    (void)state;
    const char *pointers[] = {"a",       "/b",      "/a/b",      "/a/",      "/a/d~e",   "/a/d~",
                              "/a/d~2e", "/list/2", "/list/-",   "/list/01", "/list/",   "/list/x",
                              "/n/x",    "/0/x",    "/list/0/x", "/b/c",     "/a~/b~1c", "//"};
    json_t *root = json_read(str_from(document));
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        assert_null(json_at(root, str_from(pointers[i])));
        assert_false(json_remove(root, str_from(pointers[i])));
    }
    assert_null(json_at(NULL, STR("/a")));
    json_decref(root);
}

static void an_overlong_pointer_finds_nothing(void **state)
{
    (void)state;
    struct str pointer = filled(&arena, '/', 2000);
    memset((char *)pointer.p + 1, 'k', 1999);
    json_t *root = json_read(STR("{}"));
    assert_null(json_at(root, pointer));
    memcpy((char *)pointer.p, "/a/", 3);
    assert_null(json_at(root, pointer));
    json_decref(root);
}

static void what_a_pointer_names_is_removed_and_nothing_else(void **state)
{
    (void)state;
    const char *pointers[] = {"/a/b~1c", "/a/~01", "/n", "/"};
    json_t *root = json_read(str_from(document));
    struct str text;
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
        assert_true(json_remove(root, str_from(pointers[i])));
    assert_false(json_remove(root, STR("")));
    assert_true(json_write(root, &arena, &text));
    assert_str(text, STR("{\"a\":{\"d~e\":2},\"list\":[4,{\"x\":5}],\"0\":6}"));
    json_decref(root);
}

static void a_removed_element_leaves_those_behind_it_where_they_were(void **state)
{
    (void)state;
    struct str text;
    json_t *root = json_read(STR("{\"t\":[\"access\",\"refresh\",3]}"));
    assert_true(json_remove(root, STR("/t/0")));
    assert_true(json_remove(root, STR("/t/1")));
    assert_false(json_remove(root, STR("/t/3")));
    assert_true(json_write(root, &arena, &text));
    assert_str(text, STR("{\"t\":[null,null,3]}"));
    json_decref(root);
}

static void a_value_is_put_where_a_pointer_leads(void **state)
{
    (void)state;
    static const struct {
        const char *before, *pointer, *after;
    } rows[] = {
        {"{}", "/a", "{\"a\":7}"},
        {"{\"a\":1,\"b\":2}", "/a", "{\"a\":7,\"b\":2}"},
        {"{}", "/a/b/c", "{\"a\":{\"b\":{\"c\":7}}}"},
        {"{\"a\":{\"x\":1}}", "/a/b", "{\"a\":{\"x\":1,\"b\":7}}"},
        {"{\"t\":[1,{}]}", "/t/1/x", "{\"t\":[1,{\"x\":7}]}"},
        {"{\"t\":[1,2]}", "/t/0", "{\"t\":[7,2]}"},
        {"{}", "/", "{\"\":7}"},
        {"{}", "/a~1b~0c", "{\"a/b~c\":7}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str text;
        json_t *root = json_read(str_from(rows[i].before));
        assert_true(json_put(root, str_from(rows[i].pointer), json_integer(7)));
        assert_true(json_write(root, &arena, &text));
        assert_str(text, str_from(rows[i].after));
        json_decref(root);
    }
}

static void nothing_is_put_through_what_is_no_object(void **state)
{
    (void)state;
    static const struct {
        const char *before, *pointer;
    } rows[] = {
        {"{}", ""},
        {"{}", "a"},
        {"{}", "a/b"},
        {"{\"a\":\"text\"}", "/a/b"},
        {"{\"a\":null}", "/a/b/c"},
        {"{\"t\":[1]}", "/t/1"},
        {"{\"t\":[1]}", "/t/1/x"},
        {"{\"t\":[1]}", "/t/-"},
        {"{}", "/a~2"},
        {"{}", "/a/~"},
        {"{}", "/\xFF/a"},
        {"{}", "/a/\xFF"},
        {"7", "/a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *root = json_read(str_from(rows[i].before));
        assert_false(json_put(root, str_from(rows[i].pointer), json_string("lost")));
        json_decref(root);
    }
    assert_false(json_put(NULL, STR("/a"), json_string("lost")));
    json_t *root = json_object();
    assert_false(json_put(root, STR("/a"), NULL));
    json_decref(root);
}

static void a_scalar_has_a_text(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
        bool is_one;
    } rows[] = {
        {"\"a\\\"b\"", "a\"b", true}, {"\"\"", "", true},     {"-7", "-7", true},
        {"1.5", "1.5", true},         {"true", "true", true}, {"false", "false", true},
        {"null", "", false},          {"{}", "", false},      {"[]", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *value = json_read(str_from(rows[i].json));
        struct json_scalar scalar = json_scalar(value, &arena);
        assert_int_equal(scalar.is_one, rows[i].is_one);
        assert_str(scalar.text, str_from(rows[i].text));
        json_decref(value);
    }
    assert_false(json_scalar(NULL, &arena).is_one);
}

static void a_number_of_seconds_has_its_fraction_cut_off(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int64_t seconds;
        bool is_read;
    } rows[] = {
        {"300", 300, true},    {"300.9", 300, true},
        {"-1", -1, true},      {"1e9", 1000000000, true},
        {"1e16", 0, false},    {"-1e16", 0, false},
        {"\"300\"", 0, false}, {"true", 0, false},
        {"null", 0, false},    {"9223372036854775807", INT64_MAX, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t seconds = 0;
        json_t *value = json_read(str_from(rows[i].json));
        assert_int_equal(json_seconds(value, &seconds), rows[i].is_read);
        assert_true(seconds == rows[i].seconds);
        json_decref(value);
    }
}

static void keys_are_written_in_their_order(void **state)
{
    (void)state;
    struct str text =
        STR("{\"z\":1,\"a\":[true,null,\"\\u0000\"],\"m\":{\"y\":1,\"b\":\"\xC3\xA9\"}}");
    struct str out;
    json_t *root = json_read(text);
    assert_true(json_write(root, &arena, &out));
    assert_str(out, text);
    json_decref(root);
}

static void a_text_that_does_not_fit_is_not_written(void **state)
{
    (void)state;
    struct arena small = arena_make(16);
    struct str out = STR("untouched");
    json_t *root = json_read(STR("{\"a\":\"longer than sixteen bytes\"}"));
    assert_false(json_write(root, &small, &out));
    assert_false(json_write(NULL, &small, &out));
    assert_str(out, STR("untouched"));
    json_decref(root);
    arena_free(&small);
}

static void freed_values_leave_no_secret_on_the_heap(void **state)
{
    (void)state;
    char text[] = "{\"access\":\"................................\"}";
    struct str secret = {text + 11, 32};
    randombytes_buf(text + 11, 32);
    for (size_t i = 11; i < 11 + 32; i++)
        text[i] = (char)('a' + (text[i] & 15));
    json_t *root = json_read((struct str){text, sizeof text - 1});
    assert_non_null(root);
    assert_int_equal(heap_holds(secret), HEAP_IS_VISIBLE);
    json_decref(root);
    assert_false(heap_holds(secret));
}

/* Through the heap that counts: the nth allocation from now is refused. */
static int until_refused;

static void *refusing_malloc(size_t n)
{
    return --until_refused == 0 ? wiping_malloc(SIZE_MAX) : wiping_malloc(n);
}

static void what_is_read_without_memory_lacks_no_part(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + sizeof text - 2, "\"}", 2);
    json_set_alloc_funcs(refusing_malloc, wiping_free);
    int n = 0;
    do {
        until_refused = ++n;
        json_t *root = json_read((struct str){text, sizeof text});
        assert_true(until_refused > 0 || !root);
        if (root)
            assert_int_equal(json_string_length(json_object_get(root, "a")), sizeof text - 8);
        json_decref(root);
    } while (until_refused <= 0);
    assert_true(n > 8);
    json_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_complete_text_is_read),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(a_pointer_finds_its_value),
        cmocka_unit_test(a_pointer_to_nowhere_finds_nothing),
        cmocka_unit_test(an_overlong_pointer_finds_nothing),
        cmocka_unit_test(what_a_pointer_names_is_removed_and_nothing_else),
        cmocka_unit_test(a_removed_element_leaves_those_behind_it_where_they_were),
        cmocka_unit_test(a_value_is_put_where_a_pointer_leads),
        cmocka_unit_test(nothing_is_put_through_what_is_no_object),
        cmocka_unit_test(a_scalar_has_a_text),
        cmocka_unit_test(a_number_of_seconds_has_its_fraction_cut_off),
        cmocka_unit_test(keys_are_written_in_their_order),
        cmocka_unit_test(a_text_that_does_not_fit_is_not_written),
        cmocka_unit_test(freed_values_leave_no_secret_on_the_heap),
        cmocka_unit_test(what_is_read_without_memory_lacks_no_part),
    };
    json_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

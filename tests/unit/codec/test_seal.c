#include "../arena_fixture.h"
#include "codec/seal.h"
#include "core/cookie.h"
#include "fixtures.h"

/* Key file lines. The last two keys share a kid. */
#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "bRRGcJFoxgrEF3W/u78BEecGM3PE3UkMbE964C7hDhM="
#define KEY_B_TWIN "7C82OyITlRzcOH3VUPPsTr7VmSzUqR84HKKlOxQPjgU="

static const struct seal_place place = {
    .cookie = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 43},
    .key_name = {"bff:s:key", 9},
    .generation = 7,
    .field = {"access", 6},
};

static struct keyring *ring_of(const char *lines)
{
    struct keyring *ring = NULL;
    struct str message = {NULL, 0};
    assert_true(keyring_parse(&arena, str_from(lines), &ring, &message));
    return ring;
}

static struct str sealed_by(const struct keyring *ring, struct str plain)
{
    struct str sealed;
    assert_int_equal(seal(ring, &place, plain, &arena, &sealed), BFF_OK);
    return sealed;
}

static void assert_opens(const struct keyring *ring, const struct seal_place *at, struct str sealed,
                         struct str plain)
{
    struct str opened = {NULL, 0};
    assert_int_equal(unseal(ring, at, sealed, &arena, &opened), BFF_OK);
    assert_str(opened, plain);
}

static void assert_stays_shut(const struct keyring *ring, const struct seal_place *at,
                              struct str sealed)
{
    struct str opened = STR("untouched");
    assert_int_equal(unseal(ring, at, sealed, &arena, &opened), BFF_ERR_SEAL_BROKEN);
    assert_str(opened, STR("untouched"));
}

static void a_sealed_value_opens_in_its_place(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A "\n");
    struct str sealed = sealed_by(ring, STR("a token"));
    assert_int_equal(sealed.n, STR("a token").n + SEAL_OVERHEAD);
    assert_false(str_contains(sealed, STR("a token")));
    assert_opens(ring, &place, sealed, STR("a token"));
    keyring_free(ring);
}

static void an_empty_value_is_sealed_too(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct str sealed = sealed_by(ring, (struct str){NULL, 0});
    assert_int_equal(sealed.n, SEAL_OVERHEAD);
    assert_opens(ring, &place, sealed, STR(""));
    keyring_free(ring);
}

static void the_same_value_is_never_sealed_the_same_way(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    assert_false(str_eq(sealed_by(ring, STR("a token")), sealed_by(ring, STR("a token"))));
    keyring_free(ring);
}

static void a_record_moved_to_another_key_does_not_open(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct seal_place elsewhere = place;
    elsewhere.key_name = STR("bff:s:kez");
    assert_stays_shut(ring, &elsewhere, sealed_by(ring, STR("a token")));
    keyring_free(ring);
}

static void a_value_of_another_generation_does_not_open(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    const uint64_t others[] = {6, 8, 0, 7ULL << 32, UINT64_MAX};
    struct str sealed = sealed_by(ring, STR("a token"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct seal_place later = place;
        later.generation = others[i];
        assert_stays_shut(ring, &later, sealed);
    }
    keyring_free(ring);
}

static void a_refresh_token_in_the_field_of_the_access_token_does_not_open(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct seal_place other = place;
    other.field = STR("refresh");
    assert_stays_shut(ring, &other, sealed_by(ring, STR("a token")));
    keyring_free(ring);
}

static void a_byte_moved_from_the_key_name_to_the_field_is_noticed(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct seal_place shifted = place;
    shifted.key_name = STR("bff:s:ke");
    shifted.field = STR("yaccess");
    assert_stays_shut(ring, &shifted, sealed_by(ring, STR("a token")));
    keyring_free(ring);
}

static void redis_and_the_server_key_open_nothing_without_the_cookie(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct seal_place planted = place;
    struct str sealed = sealed_by(ring, STR("a token"));
    planted.cookie = STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB");
    assert_stays_shut(ring, &planted, sealed);
    planted.cookie = STR("");
    assert_stays_shut(ring, &planted, sealed);
    keyring_free(ring);
}

static void a_truncated_value_does_not_open(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct str sealed = sealed_by(ring, STR("a token"));
    for (size_t n = 0; n < sealed.n; n++)
        assert_stays_shut(ring, &place, (struct str){sealed.p, n});
    keyring_free(ring);
}

static void a_lengthened_value_does_not_open(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct str sealed = sealed_by(ring, STR("a token")), longer;
    assert_true(arena_printf(&arena, &longer, "%*s", (int)sealed.n + 1, ""));
    memcpy((char *)longer.p, sealed.p, sealed.n);
    assert_stays_shut(ring, &place, longer);
    keyring_free(ring);
}

static void no_flipped_bit_goes_unnoticed(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct str sealed = sealed_by(ring, STR("a token")), copy;
    assert_true(arena_copy(&arena, sealed, &copy));
    for (size_t bit = 0; bit < 8 * copy.n; bit++) {
        char *byte = (char *)copy.p + bit / 8;
        *byte = (char)(*byte ^ (1 << (bit % 8)));
        assert_stays_shut(ring, &place, copy);
        *byte = (char)(*byte ^ (1 << (bit % 8)));
    }
    assert_opens(ring, &place, copy, STR("a token"));
    keyring_free(ring);
}

static void the_value_of_an_unknown_key_does_not_open(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A), *other = ring_of(KEY_B);
    assert_stays_shut(other, &place, sealed_by(ring, STR("a token")));
    keyring_free(ring);
    keyring_free(other);
}

static void an_older_key_of_the_ring_still_opens(void **state)
{
    (void)state;
    struct keyring *before = ring_of(KEY_A), *after = ring_of(KEY_B "\n" KEY_A "\n");
    assert_opens(after, &place, sealed_by(before, STR("a token")), STR("a token"));
    keyring_free(before);
    keyring_free(after);
}

static void the_first_key_of_the_ring_seals(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_B "\n" KEY_A "\n"), *first = ring_of(KEY_B);
    assert_opens(first, &place, sealed_by(ring, STR("a token")), STR("a token"));
    keyring_free(ring);
    keyring_free(first);
}

static void of_two_keys_with_one_kid_the_right_one_is_found(void **state)
{
    (void)state;
    struct keyring *twin = ring_of(KEY_B_TWIN), *both = ring_of(KEY_B "\n" KEY_B_TWIN);
    struct str sealed = sealed_by(twin, STR("a token"));
    assert_memory_equal(sealed.p, sealed_by(both, STR("a token")).p, 4);
    assert_opens(both, &place, sealed, STR("a token"));
    keyring_free(twin);
    keyring_free(both);
}

/* Opened by hand, from what the header says and nothing else. */
static void the_format_is_the_documented_one(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct str sealed = sealed_by(ring, STR("a token"));
    const unsigned char *s = (const unsigned char *)sealed.p;
    unsigned char server_key[32], key[32], plain[7];
    static const unsigned char bound[] = "\0\0\0\0\0\0\0\x09"
                                         "bff:s:key"
                                         "\0\0\0\0\0\0\0\x07"
                                         "\0\0\0\0\0\0\0\x06"
                                         "access";
    char input[12 + 43];
    for (size_t i = 0; i < sizeof server_key; i++)
        server_key[i] = (unsigned char)i;
    memcpy(input, "bffd seal v1", 12);
    memcpy(input + 12, place.cookie.p, 43);
    crypto_generichash(key, 32, (const unsigned char *)input, sizeof input, server_key, 32);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, s + 28,
                                                                sealed.n - 28, bound,
                                                                sizeof bound - 1, s + 4, key),
                     0);
    assert_memory_equal(plain, "a token", 7);
    keyring_free(ring);
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A);
    struct str sealed = sealed_by(ring, STR("a token")), out = STR("untouched");
    for (size_t limit = 0; limit < 96; limit++) {
        struct arena small = arena_make(limit);
        enum bff_err e = seal(ring, &place, STR("a token"), &small, &out);
        assert_true(e == BFF_ERR_NO_MEMORY ? str_eq(out, STR("untouched")) : limit >= 80);
        arena_free(&small);
        small = arena_make(limit);
        out = STR("untouched");
        e = unseal(ring, &place, sealed, &small, &out);
        assert_true(e == BFF_ERR_NO_MEMORY ? str_eq(out, STR("untouched")) : limit >= 48);
        out = STR("untouched");
        arena_free(&small);
    }
    assert_int_equal(seal(ring, &place, (struct str){sealed.p, SIZE_MAX - 3}, &arena, &out),
                     BFF_ERR_NO_MEMORY);
    keyring_free(ring);
}

static void a_generated_key_is_a_line_of_a_key_file(void **state)
{
    (void)state;
    char first[SEAL_KEY_LINE + 1], second[SEAL_KEY_LINE + 1];
    keyring_generate(first);
    keyring_generate(second);
    assert_int_equal(strlen(first), SEAL_KEY_LINE);
    assert_string_not_equal(first, second);
    keyring_free(ring_of(first));
}

static void blank_lines_and_comments_are_skipped(void **state)
{
    (void)state;
    struct keyring *ring = ring_of("# new\r\n\n  " KEY_B " \r\n\t\n# old\n" KEY_A "\n\n");
    struct keyring *a = ring_of(KEY_A);
    assert_opens(ring, &place, sealed_by(a, STR("a token")), STR("a token"));
    keyring_free(ring);
    keyring_free(a);
}

static void a_wrong_key_file_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "no key"},
        {"# nothing\n\n", "no key"},
        {KEY_A "\nshort\n", "line 2: a key has 44 characters"},
        {KEY_A KEY_B, "line 1: a key has 44 characters"},
        {"\n!AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "line 2: a key is 32 bytes in base64"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_", "line 1: a key is 32 bytes in base64"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8B", "line 1: a key is 32 bytes in base64"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", "line 1: a key has 32 bytes"},
        {KEY_A "\n" KEY_B "\n" KEY_A "\n", "line 3: this key stands in the file already"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keyring *ring = NULL;
        struct str message = {NULL, 0};
        assert_false(keyring_parse(&arena, str_from(rows[i].text), &ring, &message));
        assert_null(ring);
        assert_true(str_contains(message, str_from(rows[i].says)));
        assert_false(str_contains(message, STR("AAEC")));
        assert_false(str_contains(message, STR("short")));
    }
}

static void a_ring_has_room_for_sixteen_keys(void **state)
{
    (void)state;
    char text[17 * (SEAL_KEY_LINE + 1) + 1];
    for (size_t i = 0; i < 17; i++) {
        keyring_generate(text + i * (SEAL_KEY_LINE + 1));
        text[(i + 1) * (SEAL_KEY_LINE + 1) - 1] = '\n';
    }
    struct keyring *ring = NULL;
    struct str message = {NULL, 0}, whole = {text, 17 * (SEAL_KEY_LINE + 1)};
    assert_false(keyring_parse(&arena, whole, &ring, &message));
    assert_str(message, STR("line 17: there are too many keys: 16 are allowed"));
    whole.n -= SEAL_KEY_LINE + 1;
    assert_true(keyring_parse(&arena, whole, &ring, &message));
    keyring_free(ring);
    keyring_free(NULL);
}

static void a_wrong_key_file_is_refused_without_memory_for_the_sentence(void **state)
{
    (void)state;
    struct arena none = arena_make(0);
    struct keyring *ring = NULL;
    struct str message = {NULL, 0};
    assert_false(keyring_parse(&none, STR("wrong"), &ring, &message));
    assert_true(message.n > 0);
}

static void a_new_cookie_is_what_a_cookie_header_may_hold(void **state)
{
    (void)state;
    char first[43], second[43];
    seal_new_cookie(first);
    seal_new_cookie(second);
    assert_memory_not_equal(first, second, 43);
    struct str header, value;
    assert_true(arena_printf(&arena, &header, COOKIE_NAME "=%.43s", first));
    assert_int_equal(cookie_find(header, &value), BFF_OK);
    assert_str(value, ((struct str){first, 43}));
}

static void assert_hash(const unsigned char hash[SESSION_HASH_BYTES], const char *hex)
{
    char text[2 * SESSION_HASH_BYTES + 1];
    sodium_bin2hex(text, sizeof text, hash, SESSION_HASH_BYTES);
    assert_string_equal(text, hex);
}

/* Both name what is stored: another hash would sign everybody out. Computed with Python's hashlib.
 */
static void the_names_of_stored_things_are_stable(void **state)
{
    (void)state;
    struct keyring *ring = ring_of(KEY_A "\n" KEY_B);
    unsigned char hash[SESSION_HASH_BYTES];
    seal_cookie_hash(place.cookie, hash);
    assert_hash(hash, "b2ce035930bbb7553786a9f22435955a");
    seal_user_hash(ring, 0, STR("42"), hash);
    assert_hash(hash, "5026bca4d77dd39da471c4517d51efee");
    keyring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_value_opens_in_its_place),
        cmocka_unit_test(an_empty_value_is_sealed_too),
        cmocka_unit_test(the_same_value_is_never_sealed_the_same_way),
        cmocka_unit_test(a_record_moved_to_another_key_does_not_open),
        cmocka_unit_test(a_value_of_another_generation_does_not_open),
        cmocka_unit_test(a_refresh_token_in_the_field_of_the_access_token_does_not_open),
        cmocka_unit_test(a_byte_moved_from_the_key_name_to_the_field_is_noticed),
        cmocka_unit_test(redis_and_the_server_key_open_nothing_without_the_cookie),
        cmocka_unit_test(a_truncated_value_does_not_open),
        cmocka_unit_test(a_lengthened_value_does_not_open),
        cmocka_unit_test(no_flipped_bit_goes_unnoticed),
        cmocka_unit_test(the_value_of_an_unknown_key_does_not_open),
        cmocka_unit_test(an_older_key_of_the_ring_still_opens),
        cmocka_unit_test(the_first_key_of_the_ring_seals),
        cmocka_unit_test(of_two_keys_with_one_kid_the_right_one_is_found),
        cmocka_unit_test(the_format_is_the_documented_one),
        cmocka_unit_test(a_full_arena_is_an_error),
        cmocka_unit_test(a_generated_key_is_a_line_of_a_key_file),
        cmocka_unit_test(blank_lines_and_comments_are_skipped),
        cmocka_unit_test(a_wrong_key_file_is_refused_with_its_line),
        cmocka_unit_test(a_ring_has_room_for_sixteen_keys),
        cmocka_unit_test(a_wrong_key_file_is_refused_without_memory_for_the_sentence),
        cmocka_unit_test(a_new_cookie_is_what_a_cookie_header_may_hold),
        cmocka_unit_test(the_names_of_stored_things_are_stable),
    };
    if (!seal_init())
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

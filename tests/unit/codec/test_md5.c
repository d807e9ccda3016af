#include "../../assert_str.h"
#include "base/buf.h"
#include "codec/md5.h"

/* RFC 1321, A.5, as far as they fit into a block; the last two are what `md5sum` says. */
static void it_is_md5(void **state)
{
    (void)state;
    static const struct {
        const char *message, *digest;
    } rows[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "34e3889bc4a95b9aa5a762b8139a1a17"},
        {"1234567890123456789012345678901234567890123456789012345",
         "c9ccf168914a1bcfc3229f1948e67da0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char digest[MD5_BYTES];
        char memory[2 * MD5_BYTES];
        struct buf hex = buf_make(memory, sizeof memory);
        md5_short(str_from(rows[i].message), digest);
        buf_add_hex(&hex, digest, sizeof digest);
        assert_str(buf_str(&hex), str_from(rows[i].digest));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_md5)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The Cookie header: what is found is 43 characters of base64url and lies inside the header. */
#include <stdlib.h>

#include "core/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str header = {(const char *)data, size}, value;
    if (cookie_find(header, &value) == BFF_OK &&
        (value.n != COOKIE_VALUE_LENGTH || value.p < header.p ||
         value.p + value.n > header.p + header.n))
        abort();
    if (cookie_read_set(header, STR("access"), &value) && value.n > size)
        abort();
    return 0;
}

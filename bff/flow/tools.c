#include "flow/tools.h"

#include "base/buf.h"

struct str session_tag(const struct session_name *name, char tag[SESSION_TAG_MAX])
{
    struct buf b = buf_make(tag, SESSION_TAG_MAX);
    buf_add_hex(&b, name->hash, 4);
    return buf_str(&b);
}

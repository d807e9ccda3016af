#include "flow/tools.h"

#include "base/buf.h"
#include "base/clock.h"

void tools_forget(struct tools *tools, const struct session_name *name)
{
    fence_bump(tools->fence, name->hash);
    microcache_forget(tools->microcache, name, clock_mono_ms());
}

struct str session_tag(const struct session_name *name, char tag[SESSION_TAG_MAX])
{
    struct buf b = buf_make(tag, SESSION_TAG_MAX);
    buf_add_hex(&b, name->hash, 4);
    return buf_str(&b);
}

#include "flow/caller.h"

void caller_describe(const struct caller *caller, struct backend_request *request)
{
    request->request_id = caller->request_id;
    request->client_address = caller->client_address;
    request->forwarded_host = caller->host;
    request->forwarded_proto = caller->proto;
    request->user_agent = caller->user_agent;
    request->accept_language = caller->accept_language;
}

bool caller_copy(const struct caller *from, struct arena *arena, struct caller *to)
{
    return arena_copy(arena, from->request_id, &to->request_id) &&
           arena_copy(arena, from->client_address, &to->client_address) &&
           arena_copy(arena, from->host, &to->host) && arena_copy(arena, from->proto, &to->proto) &&
           arena_copy(arena, from->user_agent, &to->user_agent) &&
           arena_copy(arena, from->accept_language, &to->accept_language);
}

-- A session is JSON in Redis below the id that the cookie holds.

local cjson = require "cjson.safe"
local redis = require "nginx.redis"

local M = {}

local IDLE_S = 12 * 60 * 60
local TIMEOUT_MS = 1000
local POOLED_MS, POOL_SIZE = 60000, 128

-- What Redis answers to a command; whatever goes wrong there is a 503.
local function ask(command, ...)
    local client = redis:new()
    client:set_timeout(TIMEOUT_MS)
    local ok, err = client:connect(M.redis_socket)
    local answer
    if ok then
        answer, err = client[command](client, ...)
    end
    if err then
        ngx.log(ngx.ERR, "redis: ", err)
        return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
    end
    client:set_keepalive(POOLED_MS, POOL_SIZE)
    return answer
end

function M.sign_in()
    ngx.req.read_body()
    local answer = ngx.location.capture("/token", {
        method = ngx.HTTP_POST,
        body = ngx.req.get_body_data(),
    })
    local tokens = cjson.decode(answer.body)
    if answer.status ~= ngx.HTTP_OK or not tokens then
        return ngx.exit(answer.status)
    end
    local id = ngx.var.request_id -- 128 bits of OpenSSL's randomness
    local session = cjson.encode({ access = tokens.access, refresh = tokens.refresh })
    ask("set", "session:" .. id, session, "EX", IDLE_S)
    ngx.header["Set-Cookie"] = "session=" .. id .. "; Path=/; HttpOnly; SameSite=Lax"
    return ngx.exit(ngx.HTTP_NO_CONTENT)
end

-- One command reads the session and moves its idle timeout.
function M.require_session()
    local id = ngx.var.cookie_session
    local stored = id and ask("getex", "session:" .. id, "EX", IDLE_S)
    local session = stored and stored ~= ngx.null and cjson.decode(stored)
    if not session then
        return ngx.exit(ngx.HTTP_UNAUTHORIZED)
    end
    ngx.var.bearer = "Bearer " .. session.access
end

return M

--[[
LOGOUT: the session ends, whatever state it is in; COMMIT never creates it again. What is told is
the record as it was deleted: a refresh token read any earlier might have been replaced since.

NONE   there was none
ENDED  record
]]
local s = read()
redis.call('DEL', key)
if not s then
    return {'NONE'}
end
redis.call('PUBLISH', channel, key)
return record('ENDED', s)

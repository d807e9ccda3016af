--[[
TOUCH: write a session's activity down, and read it.

NONE     there is none
FOUND    record
]]
local s = read()
if not s then
    return {'NONE'}
end
local seen = s.seen
s.seen = now
-- pcall: a Redis that is full or read-only still answers who is signed in.
if not pcall(write_with_end, s) then
    s.seen = seen
end
return record('FOUND', s)

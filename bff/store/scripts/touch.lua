--[[
TOUCH: write a session's activity down, unless somebody else just has, and read it.

ARGV[4]  how many ms ago the last touch must be

NONE     there is none
FOUND    record
]]
local s = read()
if not s then
    return {'NONE'}
end
local seen = s.seen
if now - seen >= tonumber(ARGV[4]) then
    s.seen = now
    -- pcall: a Redis that is full or read-only still answers who is signed in.
    if not pcall(write_with_end, s) then
        s.seen = seen
    end
end
return record('FOUND', s)

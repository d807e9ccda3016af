--[[
MEMBERS: what is in a user's set (KEYS[1] here) and not over, the newest first.

ARGV[4]  at most so many

FOUND  the members, one behind the other: each is of the same length
]]
local members = redis.call('ZREVRANGEBYSCORE', key, '+inf', '(' .. time[1], 'LIMIT', 0, ARGV[4])
return {'FOUND', table.concat(members)}

--[[
ATTEMPT: how often the password of one account may be guessed. An attempt counts as a failure from
its beginning, so that a thousand at once are no more than a thousand one after the other.

ARGV[4]  BEGIN; SUCCEEDED, and all is forgotten; UNDECIDED, and it is as if it had not begun
ARGV[5]  how many may fail before the first pause
ARGV[6]  how long failures count, in ms, from the last one
ARGV[7]  the first pause in ms, doubled with every further failure, ARGV[8] the longest

GO       it may be made; and what SUCCEEDED and UNDECIDED answer
WAIT     ms
]]
local free, window_ms, least, most =
    tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
-- How many have failed, and until when there is a pause.
local KEPT = '>I4I6'
local kept = redis.call('GET', key) or struct.pack(KEPT, 0, 0)
local n, paused_until = struct.unpack(KEPT, kept)
local wait = paused_until - now

local function keep(pause)
    redis.call('SET', key, struct.pack(KEPT, n, now + pause), 'PX', text(math.max(window_ms, pause)))
end

if ARGV[4] == 'SUCCEEDED' or (ARGV[4] == 'UNDECIDED' and n <= 1) then
    redis.call('DEL', key)
elseif ARGV[4] == 'UNDECIDED' then
    n = n - 1
    keep(0)
elseif wait > 0 then
    return {'WAIT', text(math.min(wait, most))}
else
    n = n + 1
    keep(n < free and 0 or math.min(most, least * 2 ^ math.min(n - free, 30)))
end
return {'GO'}

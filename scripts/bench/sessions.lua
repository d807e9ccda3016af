--[[
Many sessions of a site behind bffd, for wrk. Either as fast as they can be answered:

    wrk -t2 -c64 -d10s --latency -s scripts/bench/sessions.lua http://localhost:8080 -- \
        --sessions FILE --path /api/tasks/

or, with --think, as people use a page: somebody opens it, which asks /bff/session and then several
paths at once; reads; clicks, and several more are asked; and leaves, for somebody else to come. Who
comes back after longer than an access token lives makes bffd refresh it while he waits; those of
people who stay are refreshed ahead. So the mix of expiries is that of the numbers below: every
session is back after SESSIONS / ACTIVE visits.

    wrk -t2 -c200 -d5m --latency -s scripts/bench/sessions.lua https://app.example.org -- \
        --sessions FILE --path /api/tasks/ --path /api/whoami/ --think 3000

    --sessions FILE  a header field a line, one line for each session: `Cookie: NAME=VALUE`.
                     scripts/bench/sign_in.py writes them
    --path PATH      what is asked for (GET); more than one: any of them, at random
    --think MS       how long somebody reads, on average, before the next click (0)
    --calls N        how many calls a click makes, on average (4)
    --visit N        how many calls somebody makes before he leaves (40)
    --active N       how many people are there at once, for each thread of wrk (50)
    --pause MS       without --think: what each connection waits, on average, before it asks again

wrk's connections are those of all browsers together: CONNECTIONS / THINK clicks a second is the
most there can be. The pauses are not part of the latencies. The last line of the output is JSON.
]]

local BROWSER = {
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        .. "Chrome/126.0.0.0 Safari/537.36",
    ["Accept"] = "application/json, text/plain, */*",
    ["Accept-Language"] = "en-GB,en;q=0.9",
    ["Sec-Fetch-Site"] = "same-origin",
    ["Sec-Fetch-Mode"] = "cors",
    ["Sec-Fetch-Dest"] = "empty",
}
local WITHIN_A_CLICK_MS = 20 -- between the calls of one click
local WHO_AM_I = "/bff/session"

local threads = {}

function setup(thread)
    thread:set("number", #threads)
    threads[#threads + 1] = thread
end

local function read_options(args)
    local options = { paths = {}, think = 0, calls = 4, visit = 40, active = 50, pause = 0 }
    for i = 1, #args, 2 do
        local name, value = args[i]:match("^%-%-(%l+)$"), args[i + 1]
        if name == "path" then
            table.insert(options.paths, value)
        elseif name == "sessions" then
            options.sessions = value
        elseif options[name] and tonumber(value) then
            options[name] = tonumber(value)
        else
            error("unknown option, or no number: " .. args[i] .. " " .. tostring(value))
        end
    end
    assert(options.sessions and #options.paths > 0, "--sessions FILE and --path PATH are needed")
    return options
end

local function read_sessions(file)
    local fields = {}
    for line in io.lines(file) do
        assert(line:match("^[%w-]+: *."), file .. ": not a header field: " .. line)
        fields[#fields + 1] = line
    end
    assert(#fields > 0, file .. " is empty")
    return fields
end

-- A function that makes the request for a path from a session's field.
local function composer(path)
    local headers = { ["X"] = "X" }
    for name, value in pairs(BROWSER) do
        headers[name] = value
    end
    local request = wrk.format("GET", path, headers)
    local from, to = request:find("\r\nX: X\r\n", 1, true)
    local before, after = request:sub(1, from + 1), request:sub(to - 1)
    return function(field)
        return before .. field .. after
    end
end

-- Each thread begins elsewhere, so that no session is asked for by all of them at once.
local function starting_point(sessions)
    return math.floor(#sessions * (number * 0.618 % 1))
end

-- wrk's clock starts only when all threads have begun: what can wait is done at the first request.
local function rotate(sessions, options)
    local composers, requests, at = {}, {}, starting_point(sessions)
    for i, path in ipairs(options.paths) do
        composers[i] = composer(path)
    end
    if options.pause > 0 then
        function delay()
            return math.random(0, 2 * options.pause)
        end
    end
    function request()
        at = at % #sessions + 1
        local made = requests[at]
        if not made then
            made = composers[at % #composers + 1](sessions[at])
            requests[at] = made
        end
        return made
    end
end

local function browse(sessions, options)
    local people, next_up = {}, starting_point(sessions)
    local arrives, calls = composer(WHO_AM_I), {}
    for i, path in ipairs(options.paths) do
        calls[i] = composer(path)
    end
    math.randomseed(os.time() + number)

    local function somebody()
        next_up = next_up % #sessions + 1
        return { field = sessions[next_up], left = math.random(1, 2 * options.visit - 1) }
    end

    for i = 1, math.min(options.active, #sessions) do
        people[i] = somebody()
    end

    -- Exponential: most pauses are short, some are long.
    function delay()
        if math.random() > 1 / options.calls then
            return math.random(0, WITHIN_A_CLICK_MS)
        end
        return math.floor(-options.think * math.log(1 - math.random()))
    end

    function request()
        local i = math.random(#people)
        local one = people[i]
        one.left = one.left - 1
        if one.left <= 0 then
            people[i] = somebody()
        end
        if not one.is_there then
            one.is_there = true
            return arrives(one.field)
        end
        return calls[math.random(#calls)](one.field)
    end

    statuses = {}
    function response(status)
        statuses[status] = (statuses[status] or 0) + 1
    end
end

function init(args)
    local options = read_options(args)
    local sessions = read_sessions(options.sessions)
    if options.think > 0 then
        browse(sessions, options)
    else
        rotate(sessions, options)
    end
end

local function counted()
    local sums = {}
    for _, thread in ipairs(threads) do
        for status, count in pairs(thread:get("statuses") or {}) do
            sums[status] = (sums[status] or 0) + count
        end
    end
    local members = {}
    for status, count in pairs(sums) do
        members[#members + 1] = string.format('"%d": %d', status, count)
    end
    table.sort(members)
    return "{" .. table.concat(members, ", ") .. "}"
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        '{"seconds": %.6f, "requests": %d, "bytes": %d, "refused": %d, "broken": %d, '
            .. '"timeouts": %d, "p50_ms": %.3f, "p90_ms": %.3f, "p99_ms": %.3f, '
            .. '"max_ms": %.3f, "statuses": %s}',
        summary.duration / 1e6, summary.requests, summary.bytes, errors.status,
        errors.connect + errors.read + errors.write, errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3,
        latency.max / 1e3, counted()))
end

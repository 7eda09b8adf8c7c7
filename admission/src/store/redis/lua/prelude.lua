-- What every verb begins with: the time, the room's state, and the steps that several verbs share.
--
-- KEYS[1]  the room's hash, `wr:{<room>}`. Every other key of the room is this name and a suffix, so all of
--          them share the hash tag and live in one slot:
--            :waiting:<lane>   who waits, and who near the front was seen when: see waiting.lua
--            :passed:<lane>    sorted set, who was passed over  member rank, score own time at which the right lapses
--            :turns:<lane>     whose turn has come, and until when: see turns.lua
--            :active           sorted set, who has a session    member ticket id, score ms of its end
--            :admitted         hash, when they were admitted    ticket id → ms
--            :ended            sorted set, whose is over        member ticket id, score mark (µs, unique)
--            :batch:<id>       string, the answer to a batch of joins, for a minute
--            :invitation:<id>  string, `<ms until> <rank of the one fan, or how many used it>`, and ` w` if withdrawn
--            :invitations      sorted set of those             member id, score ms until
--            :relocated        list, places that were moved by hand, `<lane> <rank> <id>` of before and of now
-- ARGV[1]  the time in ms since the epoch, from a test; 0: the server's clock, the only clock of the line.
--
-- Ranks and marks stay below 2^53 and are passed as Lua numbers: Redis writes those with 17 digits. They are
-- never joined into strings with `..`, which would keep only 14.

local UNITS_PER_PERMIT = 60000
local STRIDE = 720720
local RANKS_PER_MILLI = 1024
local TAKEOVER_LEAD = 61440000
local UNSEEN_LEAD = 5120000
local FORGOTTEN_MAX = 16
local ENDED_MEMORY_MS = 86400000
local SILENCE_MS = 3000
-- Arguments of one command: well below what Lua can unpack.
local CHUNK = 1000

local room = KEYS[1]
local ACTIVE = room .. ':active'
local ADMITTED = room .. ':admitted'
local ENDED = room .. ':ended'
local RELOCATED = room .. ':relocated'

local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The line's own time, ms, which stands still while nobody reaches the store: see `listen` in state.lua.
local own_time = now

local function unknown_room()
  return redis.error_reply('UNKNOWNROOM the store does not know this room')
end

local function exact(number)
  return string.format('%d', number)
end

local function first_rank_of(ms)
  return ms * RANKS_PER_MILLI
end

local function passed_key(lane) return room .. ':passed:' .. lane end

-- Calls a command with any number of arguments, in pieces.
local function call_many(command, key, arguments)
  for from = 1, #arguments, CHUNK do
    redis.call(command, key, unpack(arguments, from, math.min(from + CHUNK - 1, #arguments)))
  end
end

local INVITATIONS = room .. ':invitations'

-- Notes what became of an invitation, as long as it would be good.
local function note_invitation(id, until_ms, value, withdrawn)
  local record = exact(until_ms) .. ' ' .. exact(value) .. (withdrawn and ' w' or '')
  -- Forgotten when its time is up by the line's clock, below; of a room that nobody uses any more, by the server's.
  redis.call('SET', room .. ':invitation:' .. id, record, 'PX', math.max(1, until_ms - now) + 60000)
  redis.call('ZADD', INVITATIONS, exact(until_ms), id)
end

-- Invitations that are not good any more need not be remembered.
local function forget_invitations()
  local over = redis.call('ZRANGEBYSCORE', INVITATIONS, '-inf', now)
  if #over == 0 then return end
  for _, id in ipairs(over) do redis.call('DEL', room .. ':invitation:' .. id) end
  redis.call('ZREMRANGEBYSCORE', INVITATIONS, '-inf', now)
end

-- Until when an invitation would be good, what is noted of it, and whether it was withdrawn; nil where nothing is.
local function invitation(id)
  local known = redis.call('GET', room .. ':invitation:' .. id)
  local until_ms, value, withdrawn = string.match(known or '', '(%d+) (%d+)( ?w?)')
  if not until_ms or tonumber(until_ms) <= now then return nil end
  return tonumber(until_ms), tonumber(value), withdrawn == ' w'
end

local function number(state, field)
  return tonumber(state[field] or '0')
end

-- Lanes of the rules, in their order: {name, weight}.
local function lanes_of(state)
  local lanes = {}
  for name, weight in string.gmatch(state.lanes, '([^= ]+)=(%d+)') do
    lanes[#lanes + 1] = { name = name, weight = tonumber(weight) }
  end
  return lanes
end

-- Names of all lanes that this room ever had: those the rules no longer name keep their fans.
local function known_lanes(state)
  local names = {}
  for name in string.gmatch(state.lanes_known, '[^ ]+') do names[#names + 1] = name end
  return names
end

-- Whether the moment in a field has come; false where it names none.
local function has_come(state, field)
  local moment = number(state, field)
  return moment > 0 and moment <= now
end

-- What mode and times come to: 'off', 'early', 'prequeue', 'open', 'paused', 'closed'.
local function phase(state)
  if state.mode == 'off' or state.mode == 'closed' then return state.mode end
  if state.mode == 'shadow' then return 'off' end
  if has_come(state, 'closes_at') then return 'closed' end
  if number(state, 'opens_at') == 0 or has_come(state, 'opens_at') then
    return state.mode == 'paused' and 'paused' or 'open'
  end
  return has_come(state, 'prequeue_at') and 'prequeue' or 'early'
end

-- A rate of zero admits nobody, not even a burst.
local function drains(state)
  return phase(state) == 'open' and number(state, 'rate') > 0
end

local function units_max(state)
  return number(state, 'burst') * UNITS_PER_PERMIT
end

-- Gathers the permits due since this was last done, up to the burst. While the room does not drain none
-- gather, so that nothing is dumped after a pause. A clock that went back gathers nothing.
local function gather(state)
  local units = number(state, 'units')
  if state.mode == 'auto' or state.mode == 'always' then
    local closes_at = number(state, 'closes_at')
    local to = closes_at > 0 and math.min(now, closes_at) or now
    local elapsed = math.max(0, to - math.max(number(state, 'gathered_at'), number(state, 'opens_at')))
    units = math.min(units + elapsed * number(state, 'rate'), units_max(state))
  end
  state.units, state.gathered_at = units, now
  redis.call('HSET', room, 'units', units, 'gathered_at', now)
end

local function set_units(state, units)
  state.units = units
  redis.call('HSET', room, 'units', units)
end

-- Remembers that tickets ended. Marks follow the clock, a thousand to the millisecond, and never repeat.
local function add_ended(ids)
  if #ids == 0 then return end
  local last = redis.call('ZRANGE', ENDED, -1, -1, 'WITHSCORES')[2]
  local mark = math.max(now * 1000, (tonumber(last) or -1) + 1)
  for _, id in ipairs(ids) do
    if redis.call('ZADD', ENDED, 'NX', mark, id) == 1 then mark = mark + 1 end
  end
end

-- How deep into each lane presence has to be known: well beyond what the drains of the next seconds look at.
local function horizon_depth(state)
  return 4000 + math.floor(number(state, 'rate_max') / 60) * 8
end

-- The tickets in ARGV from `from` on: lane, rank, id for each.
local function each_place(from, visit)
  for i = from, #ARGV, 3 do visit(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
end

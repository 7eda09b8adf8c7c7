-- reset: takes back everybody's place: who waits or has a turn or a session has to join anew. Nothing while the order
-- of a pre-queue is yet to be drawn.
--
-- ARGV[2]     nothing more is done where that was done at this moment or later, ms
-- Reply       {when it was done or 0, places that this call took back, sessions that it ended}
-- Cost        O(waiting / 512 + turns + sessions)

local state = load_state()
if not state then return unknown_room() end

expire(state)
if phase(state) == 'prequeue' then return { 0, 0, 0 } end
local known = number(state, 'reset_at')
if known >= math.min(now, tonumber(ARGV[2])) and known > 0 then return { known, 0, 0 } end

local before = now
for _, admitted_at in ipairs(redis.call('HVALS', ADMITTED)) do before = math.max(before, tonumber(admitted_at)) end
local sessions = void(state, before)

local next_rank = least_rank(state)
for _, lane in ipairs(known_lanes(state)) do next_rank = math.max(next_rank, number(state, 'next:' .. lane)) end
-- Ranks of a pre-queue to come are told by its own time, however far the line runs ahead.
local below, prequeue_at = next_rank, number(state, 'prequeue_at')
if prequeue_at > now then below = math.min(below, first_rank_of(prequeue_at)) end
local places = 0
for _, lane in ipairs(known_lanes(state)) do
  set(state, 'next:' .. lane, math.max(number(state, 'next:' .. lane), below))
  places = places + clear_below(lane, math.huge)
end
set(state, 'forgotten', '')
set(state, 'called', '')
redis.call('DEL', RELOCATED)
set(state, 'reset_at', math.max(now, known + 1))
set(state, 'reset_below', math.max(below, number(state, 'reset_below')))
return { number(state, 'reset_at'), places, sessions }

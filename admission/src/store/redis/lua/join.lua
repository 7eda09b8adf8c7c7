-- join: takes fans into the line, or at once into the room where it is free, in the order given.
--
-- ARGV[2]     the batch's id: the same again within a minute gets the same answer
-- ARGV[3]     how long the answer is remembered, ms
-- ARGV[4..]   lane, id, intent (`both`, `enter`, `wait`) for each fan
-- Reply       a string, one entry per fan, separated by `;`: `E <rank> <until>` entered, `W <rank> <ahead>`
--             waits, `N` not free, `F` full, `C` closed
-- Cost        O(fans · log waiting)

local state = load_state()
if not state then return unknown_room() end

local answer_key = room .. ':batch:' .. ARGV[2]
local remembered = redis.call('GET', answer_key)
if remembered then return remembered end

expire(state)
gather(state)

local units, left = state.units, room_left(state)
local admitted, joined, waiting = 0, 0, 0
local lanes = {}
for _, name in ipairs(known_lanes(state)) do
  local count = redis.call('ZCARD', waiting_key(name))
  waiting = waiting + count
  lanes[name] = {
    next = number(state, 'next:' .. name), cursor = number(state, 'cursor:' .. name), waiting = count, added = {}, seen = {},
  }
end
local may_enter = state.mode == 'auto' and number(state, 'hold_until') <= now
local waiting_max, session = number(state, 'waiting_max'), number(state, 'session')
local lowest = first_rank_of(now)

local function join(name, id, intent)
  local lane = lanes[name]
  if not lane or state.mode == 'closed' then return 'C' end
  local enters = may_enter and waiting == 0 and units >= UNITS_PER_PERMIT and left > 0 and intent ~= 'wait'
  if not enters and intent == 'enter' then return 'N' end
  if not enters and waiting >= waiting_max then return 'F' end
  local rank = math.max(lane.next, lowest)
  lane.next = rank + 1
  joined = joined + 1
  if enters then
    local until_ms = now + session
    lane.cursor = math.max(lane.cursor, rank)
    redis.call('ZADD', ACTIVE, until_ms, id)
    units, left, admitted = units - UNITS_PER_PERMIT, left - 1, admitted + 1
    return 'E ' .. exact(rank) .. ' ' .. exact(until_ms)
  end
  local ahead = lane.waiting
  lane.waiting, waiting = lane.waiting + 1, waiting + 1
  local added, seen = lane.added, lane.seen
  added[#added + 1], added[#added + 2] = rank, rank
  seen[#seen + 1], seen[#seen + 2] = now, rank
  return 'W ' .. exact(rank) .. ' ' .. ahead
end

local answers = {}
for i = 4, #ARGV, 3 do answers[#answers + 1] = join(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end

for name, lane in pairs(lanes) do
  call_many('ZADD', waiting_key(name), lane.added)
  call_many('ZADD', seen_key(name), lane.seen)
  redis.call('HSET', room, 'next:' .. name, lane.next, 'cursor:' .. name, lane.cursor)
end
if admitted > 0 then
  set_units(state, units)
  redis.call('HINCRBY', room, 'admitted_total', admitted)
end
redis.call('HINCRBY', room, 'joined_total', joined)

local answer = table.concat(answers, ';')
redis.call('SET', answer_key, answer, 'PX', ARGV[3])
return answer

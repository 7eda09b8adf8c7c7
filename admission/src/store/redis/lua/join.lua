-- join: takes fans into the line, or at once into the room where it is free, in the order given.
--
-- ARGV[2]     the batch's id: the same again within a minute gets the same answer
-- ARGV[3]     how long the answer is remembered, ms
-- ARGV[4..]   lane, id, intent (`both`, `enter`, `wait`) for each fan
-- Reply       a string of entries, separated by `;`: `E <rank> <until>` entered, `W <rank> <ahead> <count>` so
--             many fans in a row wait from this rank on, `N` not free, `F` full, `C` closed
-- Cost        O(fans)

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
  local count = number(state, 'waiting:' .. name)
  waiting = waiting + count
  lanes[name] = {
    next = number(state, 'next:' .. name), cursor = number(state, 'cursor:' .. name), waiting = count, added = {}, seen = 0,
  }
end
local may_enter = state.mode == 'auto' and drains(state) and number(state, 'hold_until') <= now
local waiting_max, session = number(state, 'waiting_max'), number(state, 'session')
local lowest = first_rank_of(now)
-- Only near the front does it matter who is there; those behind are reported when they come near.
local seen_depth = horizon_depth(state)

local answers = {}
-- A run of fans who wait one behind the other, told in one entry.
local run
local function end_run()
  if run then answers[#answers + 1] = 'W ' .. exact(run.rank) .. ' ' .. run.ahead .. ' ' .. run.count end
  run = nil
end

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
  lane.added[#lane.added + 1] = rank
  if ahead < seen_depth then lane.seen = #lane.added end
  if run and run.lane == name and run.rank + run.count == rank then
    run.count = run.count + 1
  else
    end_run()
    run = { lane = name, rank = rank, ahead = ahead, count = 1 }
  end
end

for i = 4, #ARGV, 3 do
  local answer = join(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  if answer then
    end_run()
    answers[#answers + 1] = answer
  end
end
end_run()

for name, lane in pairs(lanes) do
  append(name, lane.added, lane.seen)
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

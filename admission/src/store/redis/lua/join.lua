-- join: takes fans into the line, or at once into the room where it is free, in the order given.
--
-- ARGV[2]     the batch's id: the same again within a minute gets the same answer
-- ARGV[3]     how long the answer is remembered, ms
-- ARGV[4..]   lane, id, intent (`both`, `enter`, `wait`), extras for each fan. Extras are '' or
--             `<rank by the draw> <ms when they came> <invitation> <uses> <ms it is good for>`, 0 or - for none
-- Reply       a string of entries, separated by `;`: `E <rank> <until>` entered, `W <rank> <ahead> <count>` so
--             many fans in a row wait from this rank on, `D` waits as drawn, `T` that rank is taken, `N` not free,
--             `F` full, `C` closed, `I` the invitation was used
-- Cost        O(fans)

local state = load_state()
if not state then return unknown_room() end

local answer_key = room .. ':batch:' .. ARGV[2]
local remembered = redis.call('GET', answer_key)
if remembered then return remembered end

forget_invitations()
expire(state)
gather(state)

local units, left = state.units, room_left(state)
local admitted, joined, waiting = 0, 0, 0
local lanes = {}
local drained = {}
for _, lane in ipairs(lanes_of(state)) do drained[lane.name] = true end
for _, name in ipairs(known_lanes(state)) do
  local count = number(state, 'waiting:' .. name)
  -- Who waits in a lane that the rules no longer name is in nobody's way.
  if drained[name] then waiting = waiting + count end
  lanes[name] = {
    next = number(state, 'next:' .. name), cursor = number(state, 'cursor:' .. name), waiting = count, added = {}, seen = 0,
  }
end
local phase_now = phase(state)
local may_enter = state.mode == 'auto' and drains(state) and number(state, 'hold_until') <= now
local waiting_max, session = number(state, 'waiting_max'), number(state, 'session')
local prequeue_at, opens_at = number(state, 'prequeue_at'), number(state, 'opens_at')
local least, admitted_at = least_rank(state), admission_time(state)
-- Only near the front does it matter who is there; those behind are reported when they come near.
local seen_depth = horizon_depth(state)

local answers = {}
-- A run of fans who wait one behind the other, told in one entry.
local run
local function end_run()
  if run then answers[#answers + 1] = 'W ' .. exact(run.rank) .. ' ' .. run.ahead .. ' ' .. run.count end
  run = nil
end

-- Puts in those who joined in order and were not put in yet.
local function flush(name, lane)
  append(name, lane.added, lane.seen)
  lane.added, lane.seen = {}, 0
end

local function add_one(lane)
  lane.waiting, waiting = lane.waiting + 1, waiting + 1
end

local function extras_of(text)
  if text == '' then return {} end
  local drawn, arrived_at, invited_by, uses, good_for = string.match(text, '(%d+) (%d+) (%S+) (%d+) (%d+)')
  local extras = { drawn = tonumber(drawn), arrived_at = tonumber(arrived_at) }
  if extras.drawn == 0 then extras.drawn = nil end
  if extras.arrived_at == 0 then extras.arrived_at = nil end
  if invited_by ~= '-' then
    extras.invitation, extras.uses, extras.good_for = invited_by, tonumber(uses), tonumber(good_for)
  end
  return extras
end

-- What an invitation was used for: the rank of the one fan it is for, or how often; and whether it was withdrawn.
local function used(extras)
  if not extras.invitation then return nil end
  local _, value, withdrawn = invitation(extras.invitation)
  return value, withdrawn
end

local function note_use(extras, before, rank)
  if not extras.invitation then return end
  local value = extras.uses == 1 and rank or (before or 0) + 1
  note_invitation(extras.invitation, now + extras.good_for, value)
end

-- The same for the same ticket, over the ranks of a millisecond that are given afterwards.
local function spread(id)
  local sum = 0
  for i = 1, #id do sum = (sum * 31 + string.byte(id, i)) % (RANKS_PER_MILLI / 2) end
  return sum
end

-- Ranks a fan by when they came: at or soon after that moment, behind everybody whose turn has come.
local function rank_afterwards(name, lane, id, arrived_at)
  local rank = math.max(first_rank_of(arrived_at) + number(state, 'lead'), lane.cursor + 1) + 2 * spread(id)
  if rank % 2 == 0 then rank = rank + 1 end
  flush(name, lane)
  while has(name, rank) do rank = rank + RANKS_PER_MILLI end
  put(state, name, exact(rank))
  lane.next = math.max(lane.next, rank + 1)
  return rank
end

-- When a fan came, if that still counts: no longer than the return window after, in the line's own time, in no
-- pre-queue before the one that is, and after the line was reset. Whoever comes later has come now.
local function arrival(extras)
  local arrived_at = extras.arrived_at
  if not arrived_at then return nil end
  arrived_at = math.min(arrived_at, now)
  local awake_at, silence = number(state, 'awake_at'), number(state, 'silence')
  local waited = now - arrived_at
  if arrived_at < awake_at then waited = waited - math.min(silence, awake_at - arrived_at) end
  local is_stale = waited > number(state, 'return_window')
    or prequeue_at > 0 and prequeue_at <= now and arrived_at < prequeue_at
    or arrived_at <= number(state, 'reset_at')
  if is_stale then return nil end
  return arrived_at
end

local function join(name, id, intent, extras)
  local lane = lanes[name]
  if not lane or phase_now == 'closed' or phase_now == 'early' then return 'C' end
  local before, withdrawn = used(extras)
  if withdrawn then return 'I' end
  if before and extras.uses == 1 then
    if redis.call('ZSCORE', ENDED, id) then return 'I' end
    if before >= number(state, 'reset_below') then
      return before == extras.drawn and 'D' or { lane = name, rank = before }
    end
    -- That place is nobody's any more.
  elseif before and before >= extras.uses then
    return 'I'
  end
  local afterwards = arrival(extras)
  local arrived_at = afterwards or now
  local is_drawn = prequeue_at > 0 and prequeue_at <= arrived_at and arrived_at < opens_at
  local enters = may_enter and waiting == 0 and units >= UNITS_PER_PERMIT and left > 0 and intent ~= 'wait'
    and not afterwards and not is_drawn
  if not enters and intent == 'enter' then return 'N' end
  if not enters and waiting >= waiting_max then return 'F' end
  if is_drawn then
    if not extras.drawn then return 'C' end
    if has(name, extras.drawn) then return 'T' end
    put(state, name, exact(extras.drawn))
    add_one(lane)
    joined = joined + 1
    note_use(extras, before, extras.drawn)
    return 'D'
  end
  if afterwards then
    local rank = rank_afterwards(name, lane, id, arrived_at)
    add_one(lane)
    joined = joined + 1
    note_use(extras, before, rank)
    return { lane = name, rank = rank }
  end
  local rank = math.max(lane.next, least)
  lane.next = rank + 2
  joined = joined + 1
  note_use(extras, before, rank)
  if enters then
    local until_ms = admitted_at + session
    lane.cursor = math.max(lane.cursor, rank)
    redis.call('ZADD', ACTIVE, until_ms, id)
    redis.call('HSET', ADMITTED, id, admitted_at)
    units, left, admitted = units - UNITS_PER_PERMIT, left - 1, admitted + 1
    return 'E ' .. exact(rank) .. ' ' .. exact(until_ms)
  end
  local ahead = lane.waiting
  add_one(lane)
  lane.added[#lane.added + 1] = rank
  if ahead < seen_depth then lane.seen = #lane.added end
  if extras.invitation or extras.arrived_at then return { lane = name, rank = rank } end
  if run and run.lane == name and run.rank + 2 * run.count == rank then
    run.count = run.count + 1
  else
    end_run()
    run = { lane = name, rank = rank, ahead = ahead, count = 1 }
  end
end

for i = 4, #ARGV, 4 do
  local answer = join(ARGV[i], ARGV[i + 1], ARGV[i + 2], extras_of(ARGV[i + 3]))
  if answer then
    end_run()
    answers[#answers + 1] = answer
  end
end
end_run()

for name, lane in pairs(lanes) do
  flush(name, lane)
  redis.call('HSET', room, 'next:' .. name, lane.next, 'cursor:' .. name, lane.cursor)
end
if admitted > 0 then
  set_units(state, units)
  redis.call('HINCRBY', room, 'admitted_total', admitted)
end
redis.call('HINCRBY', room, 'joined_total', joined)

-- Who is ranked afterwards, or came again, stands somewhere in the middle: told when all are in.
for at, answer in ipairs(answers) do
  if type(answer) == 'table' then
    answers[at] = 'W ' .. exact(answer.rank) .. ' ' .. count_below(answer.lane, answer.rank) .. ' 1'
  end
end
local answer = table.concat(answers, ';')
redis.call('SET', answer_key, answer, 'PX', ARGV[3])
return answer

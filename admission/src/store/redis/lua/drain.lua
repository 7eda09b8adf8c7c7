-- drain: gives the turns due by the store's clock since anyone last called this, to the lowest ranks that are
-- present. Absent fans in front of them are passed over: they cost no permit and may return.
--
-- ARGV[2]     most turns that one call gives
-- Reply       fans passed over, then for each lane its name and the ranks that got a turn, in ascending order,
--             separated by spaces
-- Cost        O(turns + fans passed over), each with log waiting; looks at scan_depth fans a lane at most

local state = load_state()
if not state then return unknown_room() end

expire(state)
gather(state)
if not drains(state) or now < number(state, 'hold_until') then return { 0 } end

local due = math.min(math.floor(state.units / UNITS_PER_PERMIT), room_left(state), tonumber(ARGV[2]))
if due <= 0 then return { 0 } end

-- Who was seen before the line was taken over may have been admitted since: they have to show again.
-- Times as strings of as many digits compare like the times.
local seen_after = exact(math.max(0, own_time - number(state, 'presence_window'), math.min(number(state, 'shows_after'), own_time) - 1))
local depth = math.max(2000, due * 4)

-- Fans in order of rank, by their chunks: lists side by side, for there may be thousands.
local function fans() return { offsets = {}, bases = {} } end

-- The front of a lane: up to `due` present fans, and the absent ones before the last of them.
local function front(lane)
  local present, absent = fans(), fans()
  local looked_at, chunk, found = 0, 0, 0
  while looked_at < depth and found < due do
    local base = redis.call('ZRANGE', waiting_key(lane), chunk, chunk)[1]
    if not base then break end
    local offsets, seen = digits(lane, base), seen_in(lane, base)
    for i = 1, math.min(#offsets, depth - looked_at) do
      if found == due then break end
      looked_at = looked_at + 1
      local offset = offsets[i]
      local at = seen[offset]
      local group = absent
      if at and (at > seen_after or #at > #seen_after) then
        group, found = present, found + 1
      end
      local last = #group.offsets + 1
      group.offsets[last], group.bases[last] = offset, base
    end
    chunk = chunk + 1
  end
  return present, absent
end

-- Takes the first fans of a list out of the line, a chunk at a time; gives their ranks.
local function take(lane, group, count)
  local from, ranks = 1, {}
  while from <= count do
    local to, base = from, group.bases[from]
    while to < count and group.bases[to + 1] == base do to = to + 1 end
    local first = tonumber(base)
    for i = from, to do ranks[i] = exact(first + group.offsets[i]) end
    -- A chunk that goes whole goes in one step.
    if tonumber(redis.call('HGET', counts_key(lane), base)) > to - from + 1 then
      redis.call('SREM', chunk_key(lane, base), unpack(group.offsets, from, to))
      redis.call('HDEL', seen_key(lane, base), unpack(group.offsets, from, to))
    end
    changed(lane, base, from - to - 1)
    from = to + 1
  end
  return ranks
end

-- The list `a1, b, a2, b …` or `b, a1, b, a2 …`.
local function beside(list, value, value_first)
  local both = {}
  for i = 1, #list do
    both[2 * i - 1], both[2 * i] = value_first and value or list[i], value_first and list[i] or value
  end
  return both
end

local fronts = {}
local level, slack = 0, 0
for _, lane in ipairs(lanes_of(state)) do
  local present, absent = front(lane.name)
  local one = {
    name = lane.name, present = present, absent = absent, taken = 0,
    pass = number(state, 'pass:' .. lane.name), stride = math.floor(STRIDE / lane.weight),
  }
  if #present.offsets > 0 then level = math.max(level, one.pass) end
  slack = math.max(slack, one.stride)
  fronts[#fronts + 1] = one
end

-- Stride scheduling: the lane that has had least for its weight goes next. A lane that had nobody waiting does
-- not save up: it begins one turn behind the others at most.
for _, one in ipairs(fronts) do one.pass = math.max(one.pass, level - slack) end
local answer = { 0 }
local given, rivals = 0, 0
for _, one in ipairs(fronts) do
  if #one.present.offsets > 0 then rivals = rivals + 1 end
end
while given < due do
  local best
  for _, one in ipairs(fronts) do
    if one.taken < #one.present.offsets and (not best or one.pass < best.pass) then best = one end
  end
  if not best then break end
  -- Who has no rival takes all at once.
  local turns = rivals == 1 and math.min(due - given, #best.present.offsets) or 1
  best.taken = best.taken + turns
  best.pass = best.pass + best.stride * turns
  given = given + turns
end

local turn_until = exact(now + number(state, 'claim_window'))
local return_until = exact(own_time + number(state, 'return_window'))
for _, one in ipairs(fronts) do
  local absent = take(one.name, one.absent, #one.absent.offsets)
  call_many('ZADD', passed_key(one.name), beside(absent, return_until, true))
  local ranks = take(one.name, one.present, one.taken)
  call_many('HSET', turns_key(one.name), beside(ranks, turn_until, false))
  local together = table.concat(ranks, ' ')
  if #ranks > 0 then redis.call('ZADD', lapsing_key(one.name), turn_until, together) end
  if #absent + #ranks > 0 then redis.call('HINCRBY', room, 'drained:' .. one.name, #absent + #ranks) end
  local cursor = math.max(number(state, 'cursor:' .. one.name), tonumber(ranks[#ranks] or '0'))
  redis.call('HSET', room, 'pass:' .. one.name, one.pass, 'cursor:' .. one.name, cursor)
  answer[1] = answer[1] + #absent
  answer[#answer + 1] = one.name
  answer[#answer + 1] = together
end
set_units(state, state.units - given * UNITS_PER_PERMIT)
redis.call('HINCRBY', room, 'admitted_total', given)
return answer

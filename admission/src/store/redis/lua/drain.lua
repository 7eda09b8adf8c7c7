-- drain: gives the turns due by the store's clock since anyone last called this, to the lowest ranks that are
-- present. Absent fans in front of them are passed over: they cost no permit and may return.
--
-- ARGV[2]     most turns that one call gives
-- Reply       fans passed over, then for each lane its name and who got a turn, in ascending order of rank: a base
--             and ranks less that base, separated by spaces, and the next after a semicolon
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

-- Fans in order of rank, by their chunks: the offsets of each beside its base, for there may be thousands.
local function fans() return { bases = {}, offsets = {}, count = 0 } end

local function add_fans(group, base, offsets, count)
  if count == 0 then return end
  local last = #group.bases + 1
  group.bases[last], group.offsets[last], group.count = base, offsets, group.count + count
end

-- The front of a lane: up to `due` present fans, and the absent ones before the last of them.
local function front(lane)
  local present, absent = fans(), fans()
  local looked_at, chunk = 0, 0
  while looked_at < depth and present.count < due do
    local base = redis.call('ZRANGE', waiting_key(lane), chunk, chunk)[1]
    if not base then break end
    local offsets, seen = digits(lane, base), seen_in(lane, base)
    local here, gone = {}, {}
    local heres, gones, most = 0, 0, due - present.count
    for i = 1, math.min(#offsets, depth - looked_at) do
      if heres == most then break end
      local offset = offsets[i]
      local at = seen[offset]
      if at and (at > seen_after or #at > #seen_after) then
        heres = heres + 1
        here[heres] = offset
      else
        gones = gones + 1
        gone[gones] = offset
      end
    end
    looked_at = looked_at + heres + gones
    add_fans(present, base, here, heres)
    add_fans(absent, base, gone, gones)
    chunk = chunk + 1
  end
  return present, absent
end

-- Takes the first fans of a group out of the line, a chunk at a time, and has each chunk's visited.
local function take(lane, group, count, visit)
  local at = 0
  while count > 0 do
    at = at + 1
    local base, offsets = group.bases[at], group.offsets[at]
    local some = math.min(#offsets, count)
    count = count - some
    -- A chunk that goes whole goes in one step.
    if tonumber(redis.call('HGET', counts_key(lane), base)) > some then
      redis.call('SREM', chunk_key(lane, base), unpack(offsets, 1, some))
      redis.call('HDEL', seen_key(lane, base), unpack(offsets, 1, some))
    end
    changed(lane, base, -some)
    visit(base, offsets, some)
  end
end

local fronts = {}
local level, slack = 0, 0
for _, lane in ipairs(lanes_of(state)) do
  local present, absent = front(lane.name)
  local one = {
    name = lane.name, present = present, absent = absent, taken = 0,
    pass = number(state, 'pass:' .. lane.name), stride = math.floor(STRIDE / lane.weight),
  }
  if present.count > 0 then level = math.max(level, one.pass) end
  slack = math.max(slack, one.stride)
  fronts[#fronts + 1] = one
end

-- Stride scheduling: the lane that has had least for its weight goes next. A lane that had nobody waiting does
-- not save up: it begins one turn behind the others at most.
for _, one in ipairs(fronts) do one.pass = math.max(one.pass, level - slack) end
local answer = { 0 }
local given, rivals = 0, 0
for _, one in ipairs(fronts) do
  if one.present.count > 0 then rivals = rivals + 1 end
end
while given < due do
  local best
  for _, one in ipairs(fronts) do
    if one.taken < one.present.count and (not best or one.pass < best.pass) then best = one end
  end
  if not best then break end
  -- Who has no rival takes all at once.
  local turns = rivals == 1 and math.min(due - given, best.present.count) or 1
  best.taken = best.taken + turns
  best.pass = best.pass + best.stride * turns
  given = given + turns
end

local turn_until_ms = exact(now + number(state, 'claim_window'))
local return_until = exact(own_time + number(state, 'return_window'))
for _, one in ipairs(fronts) do
  local lane, cursor = one.name, number(state, 'cursor:' .. one.name)
  local passed, turns, last = {}, {}, cursor
  take(lane, one.absent, one.absent.count, function(base, offsets, count)
    for i = 1, count do
      passed[#passed + 1] = return_until
      passed[#passed + 1] = exact(base + offsets[i])
    end
  end)
  call_many('ZADD', passed_key(lane), passed)
  take(lane, one.present, one.taken, function(base, offsets, count)
    give_turns(lane, cursor, base, offsets, 1, count, turn_until_ms)
    turns[#turns + 1] = base .. ' ' .. table.concat(offsets, ' ', 1, count)
    last = math.max(last, base + offsets[count])
  end)
  local gone = one.absent.count + one.taken
  if gone > 0 then redis.call('HINCRBY', room, 'drained:' .. lane, gone) end
  redis.call('HSET', room, 'pass:' .. lane, one.pass, 'cursor:' .. lane, last)
  answer[1] = answer[1] + one.absent.count
  answer[#answer + 1] = lane
  answer[#answer + 1] = table.concat(turns, ';')
end
set_units(state, state.units - given * UNITS_PER_PERMIT)
redis.call('HINCRBY', room, 'admitted_total', given)
return answer

-- drain: gives the turns due by the store's clock since anyone last called this, to the lowest ranks that are
-- present. Absent fans in front of them are passed over: they cost no permit and may return.
--
-- ARGV[2]     most turns that one call gives
-- Reply       fans passed over, then lane, rank for each turn, in the order given
-- Cost        O(turns + fans passed over), each with log waiting; looks at scan_depth fans a lane at most

local state = load_state()
if not state then return unknown_room() end

expire(state)
gather(state)
if not drains(state) or now < number(state, 'hold_until') then return { 0 } end

local due = math.min(math.floor(state.units / UNITS_PER_PERMIT), room_left(state), tonumber(ARGV[2]))
if due <= 0 then return { 0 } end

local seen_after = now - number(state, 'presence_window')
local depth = math.max(2000, due * 4)

-- The front of a lane: up to `due` present fans, and the absent ones before the last of them.
local function front(lane)
  local present, absent = {}, {}
  local looked_at, chunk = 0, 0
  while looked_at < depth and #present < due do
    local base = redis.call('ZRANGE', waiting_key(lane), chunk, chunk)[1]
    if not base then break end
    local ranks = members(lane, base)
    for i, offset in ipairs(ranks) do ranks[i] = exact(base + offset) end
    local seen = redis.call('HMGET', seen_key(lane), unpack(ranks))
    for i, rank in ipairs(ranks) do
      if #present == due or looked_at == depth then break end
      looked_at = looked_at + 1
      if seen[i] and tonumber(seen[i]) > seen_after then
        present[#present + 1] = { rank = rank, base = base }
      else
        absent[#absent + 1] = { rank = rank, base = base }
      end
    end
    chunk = chunk + 1
  end
  return present, absent
end

-- Takes fans out of the line, a chunk at a time, and gives their ranks. They come in order of rank.
local function take_out(lane, fans, count)
  local ranks, offsets, base = {}, {}, nil
  local function take_chunk()
    if #offsets > 0 then
      redis.call('SREM', chunk_key(lane, base), unpack(offsets))
      changed(lane, base, -#offsets)
    end
  end
  for i = 1, count do
    local fan = fans[i]
    if fan.base ~= base then
      take_chunk()
      offsets, base = {}, fan.base
    end
    offsets[#offsets + 1] = fan.rank - base
    ranks[i] = fan.rank
  end
  take_chunk()
  call_many('HDEL', seen_key(lane), ranks)
  return ranks
end

local fronts = {}
local level, slack = 0, 0
for _, lane in ipairs(lanes_of(state)) do
  local present, absent = front(lane.name)
  local one = {
    name = lane.name, present = present, absent = absent, taken = 0,
    pass = number(state, 'pass:' .. lane.name), stride = math.floor(STRIDE / lane.weight),
  }
  if #present > 0 then level = math.max(level, one.pass) end
  slack = math.max(slack, one.stride)
  fronts[#fronts + 1] = one
end

-- Stride scheduling: the lane that has had least for its weight goes next. A lane that had nobody waiting does
-- not save up: it begins one turn behind the others at most.
for _, one in ipairs(fronts) do one.pass = math.max(one.pass, level - slack) end
local answer = { 0 }
local given = 0
while given < due do
  local best
  for _, one in ipairs(fronts) do
    if one.taken < #one.present and (not best or one.pass < best.pass) then best = one end
  end
  if not best then break end
  best.taken = best.taken + 1
  best.pass = best.pass + best.stride
  given = given + 1
  answer[#answer + 1] = best.name
  answer[#answer + 1] = best.present[best.taken].rank
end

local function scored(score, ranks)
  local flat = {}
  for _, rank in ipairs(ranks) do
    flat[#flat + 1] = score
    flat[#flat + 1] = rank
  end
  return flat
end

local turn_until = now + number(state, 'claim_window')
local return_until = now + number(state, 'return_window')
for _, one in ipairs(fronts) do
  local absent = take_out(one.name, one.absent, #one.absent)
  local taken = take_out(one.name, one.present, one.taken)
  call_many('ZADD', passed_key(one.name), scored(return_until, absent))
  call_many('ZADD', turns_key(one.name), scored(turn_until, taken))
  answer[1] = answer[1] + #one.absent
  local cursor = math.max(number(state, 'cursor:' .. one.name), tonumber(taken[#taken] or '0'))
  redis.call('HSET', room, 'pass:' .. one.name, one.pass, 'cursor:' .. one.name, cursor)
end
set_units(state, state.units - given * UNITS_PER_PERMIT)
redis.call('HINCRBY', room, 'admitted_total', given)
return answer

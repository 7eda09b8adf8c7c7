-- snapshot: what a proxy needs to know of the room, once per tick, for any number of fans.
--
-- ARGV[2]     revision of the rules that the caller knows; they are told only when another is in force
-- ARGV[3]     mark up to which the caller knows the ended sessions
-- ARGV[4]     most ended sessions to tell
-- Reply       {now, resumed_at, forgotten, revision, rules or '', hold_until, rate, active, turns, joined_total,
--             admitted_total, lapsed_total, {ended ids}, ended mark, then for each lane {name, cursor, next rank,
--             horizon or -1, waiting, {rank, ahead for each rung}}}
-- Cost        O(chunks + rungs): two thousand of each at a million waiting

local state = load_state()
if not state then return unknown_room() end
expire(state)

local EXACT_DEPTH = 100

-- Every SAMPLE-th member of a chunk, packed; made when it is not there.
local function samples(lane, base)
  local packed = redis.call('HGET', rungs_key(lane), base)
  if packed then return packed end
  local offsets, pieces = members(lane, base), {}
  for i = 1, #offsets, SAMPLE do pieces[#pieces + 1] = struct.pack('>d', offsets[i]) end
  packed = table.concat(pieces)
  redis.call('HSET', rungs_key(lane), base, packed)
  return packed
end

-- The ladder of a lane, as rank, ahead for each rung, and the rank at a depth (or the end of its chunk).
local function ladder(lane, horizon_at)
  local known = directory(lane)
  local rungs, horizon, target = {}, -1, 0
  local function rung(rank, ahead)
    rungs[#rungs + 1] = rank
    rungs[#rungs + 1] = ahead
  end
  for at, base in ipairs(known.bases) do
    local before, after = known.before[at], known.before[at] + known.counts[at]
    if before <= horizon_at and horizon_at < after and known.bases[at + 1] then
      horizon = known.bases[at + 1] - 1
    end
    if target < after and before < READ_DEPTH then
      local offsets = members(lane, base)
      while target < after do
        rung(base + offsets[target - before + 1], target)
        target = target + (target < EXACT_DEPTH and 1 or math.floor(target / 100))
      end
    elseif target < after and before < SAMPLE_DEPTH then
      local packed = samples(lane, base)
      while target < after do
        local sample = math.floor(math.max(0, target - before) / SAMPLE)
        local ahead = before + sample * SAMPLE
        rung(base + struct.unpack('>d', packed, sample * 8 + 1), ahead)
        -- Half a per cent and a sample are less than 1 % from here on.
        target = math.max(ahead + SAMPLE, target + math.floor(target / 200))
      end
    elseif target <= before then
      rung(tonumber(base), before)
      target = before + math.floor(before / 200)
    end
  end
  return rungs, horizon, known.total
end

local ended, mark = {}, tonumber(ARGV[3])
local later = redis.call('ZRANGEBYSCORE', ENDED, '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
for i = 1, #later, 2 do
  ended[#ended + 1] = later[i]
  mark = tonumber(later[i + 1])
end

local answer = {
  now, number(state, 'resumed_at'), state.forgotten, number(state, 'revision'),
  state.revision ~= ARGV[2] and state.rules or '',
  number(state, 'hold_until'), number(state, 'rate'), redis.call('ZCARD', ACTIVE), count_turns(state),
  number(state, 'joined_total'), number(state, 'admitted_total'), number(state, 'lapsed_total'), ended, mark,
}

for _, lane in ipairs(lanes_of(state)) do
  local rungs, horizon, waiting = ladder(lane.name, horizon_depth(state))
  set(state, 'horizon:' .. lane.name, horizon)
  answer[#answer + 1] = {
    lane.name, number(state, 'cursor:' .. lane.name), number(state, 'next:' .. lane.name), horizon, waiting, rungs,
  }
end
return answer

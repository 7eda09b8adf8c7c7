-- How many wait before whom: counted from the chunks, each of which knows how many it has.
--
-- The first fans are counted one by one, those behind them by samples of their chunks, and where the borders of the
-- chunks are much closer than 1 %, by these. That far from the front little changes but that all come forward by
-- as many as the front has lost: so those borders are remembered, and read again only when that is not true any more.

local SAMPLE = 8
local EXACT_DEPTH = 100
-- Up to here the fans are read, up to there the samples, and beyond it the borders.
local READ_DEPTH = 1600
local SAMPLE_DEPTH = 150 * CHUNK_FANS
-- Borders are remembered of lines longer than this.
local DEEP = 2 * SAMPLE_DEPTH
-- Until so many were drained, so many were put in or taken out in between, or 1 in so many joined.
local DRAINED_MAX, STIRRED_MAX, JOINED_SHARE = 25 * CHUNK_FANS, 64, 400

local function deep_key(lane) return room .. ':deep:' .. lane end

-- The chunks of a lane in order, as far as there are fans up to a depth: bases (strings), counts, and how many wait
-- before each.
local function directory(lane, depth)
  local known = directories[lane]
  if known and known.depth >= depth then return known end
  known = { bases = {}, counts = {}, before = {}, members = {}, depth = depth }
  local total, from, step = 0, 0, depth == math.huge and -1 or 200
  while total < depth do
    local bases = redis.call('ZRANGE', waiting_key(lane), from, step < 0 and -1 or from + step - 1)
    for first = 1, #bases, CHUNK do
      local piece = redis.call('HMGET', counts_key(lane), unpack(bases, first, math.min(first + CHUNK - 1, #bases)))
      for i = 1, #piece do
        local at = from + first + i - 1
        known.bases[at], known.counts[at], known.before[at] = bases[first + i - 1], tonumber(piece[i]), total
        total = total + known.counts[at]
      end
    end
    if step < 0 or #bases < step then break end
    from = from + step
  end
  directories[lane] = known
  return known
end

-- The place of the first element of a sorted list for which `beyond` holds, less one.
local function last_not(list, beyond)
  local low, high = 0, #list
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if beyond(list[middle]) then high = middle - 1 else low = middle end
  end
  return low
end

-- How many wait before a rank: exact up to SAMPLE_DEPTH, within a chunk beyond it.
local function count_below(lane, rank)
  rank = tonumber(rank)
  local known = directory(lane, math.huge)
  local at = last_not(known.bases, function(base) return tonumber(base) > rank end)
  if at == 0 then return 0 end
  local offset = rank - known.bases[at]
  local next_base = known.bases[at + 1]
  if known.before[at] >= SAMPLE_DEPTH and next_base then
    return known.before[at] + math.floor(known.counts[at] * offset / (next_base - known.bases[at]))
  end
  local found = known.members[at] or members(lane, known.bases[at])
  known.members[at] = found
  return known.before[at] + last_not(found, function(member) return member >= offset end)
end

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

-- What is remembered of the borders far from the front, if it is still good enough: ranks, and how many wait before
-- each now.
local function remembered(state, lane, total)
  local packed = total > DEEP and redis.call('GET', deep_key(lane))
  if not packed then return nil end
  local deep = cmsgpack.unpack(packed)
  local drained = number(state, 'drained:' .. lane) - deep.drained
  local joined = total - (deep.total - drained)
  local good = drained <= DRAINED_MAX and number(state, 'stirred:' .. lane) - deep.stirred <= STIRRED_MAX
    and joined * JOINED_SHARE <= total
  if not good then return nil end
  for at, ahead in ipairs(deep.ahead) do deep.ahead[at] = ahead - drained end
  return deep
end

local function remember(state, lane, known, total)
  local deep = {
    total = total, drained = number(state, 'drained:' .. lane), stirred = number(state, 'stirred:' .. lane),
    ranks = {}, ahead = {},
  }
  local target = SAMPLE_DEPTH
  for at, base in ipairs(known.bases) do
    local before = known.before[at]
    if before >= target then
      deep.ranks[#deep.ranks + 1], deep.ahead[#deep.ahead + 1] = tonumber(base), before
      target = before + math.floor(before / 250)
    end
  end
  redis.call('SET', deep_key(lane), cmsgpack.pack(deep))
  return deep
end

-- The ladder of a lane, as rank, ahead for each rung, the rank at a depth or somewhat beyond it (-1: nobody is that
-- deep), and how many wait.
local function ladder(state, lane, horizon_at)
  local total = number(state, 'waiting:' .. lane)
  local deep = remembered(state, lane, total)
  local known = directory(lane, deep and deep.ahead[1] or math.huge)
  if not deep and total > DEEP then deep = remember(state, lane, known, total) end
  local rungs, horizon, target = {}, -1, 0
  local function rung(rank, ahead)
    rungs[#rungs + 1] = rank
    rungs[#rungs + 1] = ahead
    if ahead > horizon_at and horizon < 0 then horizon = rank end
  end
  for at, base in ipairs(known.bases) do
    local before, after = known.before[at], known.before[at] + known.counts[at]
    if deep and before >= deep.ahead[1] then break end
    if target < after and before < READ_DEPTH then
      local offsets = members(lane, base)
      while target < after do
        rung(base + offsets[target - before + 1], target)
        target = target + (target < EXACT_DEPTH and 1 or math.floor(target / 100))
      end
    elseif target < after then
      local packed = samples(lane, base)
      while target < after do
        local sample = math.floor(math.max(0, target - before) / SAMPLE)
        local ahead = before + sample * SAMPLE
        rung(base + struct.unpack('>d', packed, sample * 8 + 1), ahead)
        -- The distance of two rungs and a sample together are less than 1 %.
        target = math.max(ahead + SAMPLE, target + math.floor(target / (target < 8000 and 200 or 115)))
      end
    end
  end
  if deep then
    for at, ahead in ipairs(deep.ahead) do rung(deep.ranks[at], ahead) end
    -- Those who joined since stand between the last border that is remembered and the last chunk.
    local last = redis.call('ZRANGE', waiting_key(lane), -1, -1)[1]
    if tonumber(last) > deep.ranks[#deep.ranks] then
      rung(tonumber(last), total - tonumber(redis.call('HGET', counts_key(lane), last)))
    end
  end
  return rungs, horizon, total
end

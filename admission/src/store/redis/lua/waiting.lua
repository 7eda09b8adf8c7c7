-- Who waits in a lane: chunks of neighbouring ranks, small enough that Redis keeps each as a sorted array of
-- integers (an intset of at most 512 members), which takes two to four bytes a fan.
--
--   :waiting:<lane>         sorted set, the chunks       member and score base: no member is below it
--   :waiting:<lane>:<base>  set, the fans of a chunk     member rank - base
--   :seen:<lane>:<base>     hash, who was seen when      rank - base → own time; near the front only
--   :counts:<lane>          hash, fans in each chunk     base → count
--   :rungs:<lane>           hash, a cache: base → every 8th member of the chunk, packed
--   :deep:<lane>            string, a cache: the borders of the chunks far from the front; see ladder.lua
--   waiting:<lane>          in the room's hash: fans waiting
--   stirred:<lane>          in the room's hash: fans put in or taken out anywhere but at the two ends, in all
--   drained:<lane>          in the room's hash: fans taken out at the front, in all

local CHUNK_FANS = 512
-- Room below the first rank of a chunk that begins a lane, for ranks that are put back before it.
local HEADROOM = 1048576

local function waiting_key(lane) return room .. ':waiting:' .. lane end
local function chunk_key(lane, base) return room .. ':waiting:' .. lane .. ':' .. base end
local function seen_key(lane, base) return room .. ':seen:' .. lane .. ':' .. base end
local function counts_key(lane) return room .. ':counts:' .. lane end
local function rungs_key(lane) return room .. ':rungs:' .. lane end

-- What was read of a lane in this call; forgotten when the lane changes.
local directories = {}

local function waiting_count(lane)
  return tonumber(redis.call('HGET', room, 'waiting:' .. lane) or '0')
end

-- The base of the chunk that a rank belongs to, or nil below all of them.
local function chunk_of(lane, rank)
  return redis.call('ZREVRANGEBYSCORE', waiting_key(lane), rank, '-inf', 'LIMIT', 0, 1)[1]
end

-- Whether a rank waits, and in which chunk.
local function is_waiting(lane, rank)
  local base = chunk_of(lane, rank)
  return base and redis.call('SISMEMBER', chunk_key(lane, base), rank - base) == 1, base
end

-- Notes that the fan of a rank was seen; false when they do not wait.
local function see(lane, rank)
  local waits, base = is_waiting(lane, rank)
  if waits then redis.call('HSET', seen_key(lane, base), rank - base, own_time) end
  return waits
end

-- The members of a chunk in ascending order, as numbers.
local function members(lane, base)
  local found = redis.call('SMEMBERS', chunk_key(lane, base))
  local sorted = true
  for i = 1, #found do
    found[i] = tonumber(found[i])
    if i > 1 and found[i] < found[i - 1] then sorted = false end
  end
  if not sorted then table.sort(found) end
  return found
end

-- The same as strings of digits, which is cheaper where nothing is computed with them. Redis keeps integers in
-- ascending order.
local function digits(lane, base)
  local key = chunk_key(lane, base)
  local found = redis.call('SMEMBERS', key)
  if redis.call('OBJECT', 'ENCODING', key) ~= 'intset' then
    table.sort(found, function(one, other) return tonumber(one) < tonumber(other) end)
  end
  return found
end

-- When the fans of a chunk were seen: offset → ms, as strings of digits. Redis keeps so small a hash as a list,
-- so reading it whole is as cheap as looking up a few.
local function seen_in(lane, base)
  local flat, seen = redis.call('HGETALL', seen_key(lane, base)), {}
  for i = 1, #flat, 2 do seen[flat[i]] = flat[i + 1] end
  return seen
end

-- Notes that a chunk has so many fans more or fewer; an empty one goes.
local function changed(lane, base, by)
  directories[lane] = nil
  redis.call('HDEL', rungs_key(lane), base)
  redis.call('HINCRBY', room, 'waiting:' .. lane, by)
  local count = redis.call('HINCRBY', counts_key(lane), base, by)
  if count <= 0 then
    redis.call('HDEL', counts_key(lane), base)
    redis.call('ZREM', waiting_key(lane), base)
    redis.call('DEL', chunk_key(lane, base), seen_key(lane, base))
  end
  return count
end

-- Moves the upper half of a chunk that has grown too large into one of its own.
local function split(lane, base)
  local offsets = members(lane, base)
  local middle = math.floor(#offsets / 2) + 1
  local first = offsets[middle]
  local upper_base = exact(base + first)
  local gone, added, seen = {}, {}, {}
  for i = middle, #offsets do
    gone[#gone + 1] = offsets[i]
    added[#added + 1] = offsets[i] - first
  end
  local known = seen_in(lane, base)
  for i, offset in ipairs(gone) do
    local at = known[exact(offset)]
    if at then
      seen[#seen + 1] = added[i]
      seen[#seen + 1] = at
    end
  end
  call_many('HSET', seen_key(lane, upper_base), seen)
  redis.call('HDEL', seen_key(lane, base), unpack(gone))
  redis.call('SREM', chunk_key(lane, base), unpack(gone))
  redis.call('SADD', chunk_key(lane, upper_base), unpack(added))
  redis.call('ZADD', waiting_key(lane), upper_base, upper_base)
  redis.call('HSET', counts_key(lane), base, middle - 1, upper_base, #added)
end

-- Puts one rank in, wherever it belongs.
local function add(lane, rank)
  local base = chunk_of(lane, rank)
  if not base then
    base = exact(math.max(0, rank - HEADROOM))
    redis.call('ZADD', waiting_key(lane), base, base)
  end
  if redis.call('SADD', chunk_key(lane, base), rank - base) == 0 then return end
  redis.call('HINCRBY', room, 'stirred:' .. lane, 1)
  if changed(lane, base, 1) > CHUNK_FANS then split(lane, base) end
end

-- Puts one rank in, of a fan who is there now.
local function put(state, lane, rank)
  add(lane, rank)
  local horizon = number(state, 'horizon:' .. lane)
  if horizon <= 0 or tonumber(rank) <= horizon then see(lane, rank) end
end

-- Whether somebody has a rank: waits with it, was passed over, or has their turn.
local function has(lane, rank)
  rank = exact(rank)
  return is_waiting(lane, rank) or redis.call('ZSCORE', passed_key(lane), rank)
    or turn_until(lane, rank)
end

-- Puts in ranks in ascending order, all above those that wait. The first `seen_count` of them count as seen.
local function append(lane, ranks, seen_count)
  local base = redis.call('ZRANGE', waiting_key(lane), -1, -1)[1]
  local count = base and tonumber(redis.call('HGET', counts_key(lane), base)) or CHUNK_FANS
  local from = 1
  while from <= #ranks do
    if count >= CHUNK_FANS then
      base, count = exact(ranks[from]), 0
      redis.call('ZADD', waiting_key(lane), base, base)
    end
    local offsets, seen = {}, {}
    for i = from, math.min(from + CHUNK_FANS - count, #ranks + 1) - 1 do
      offsets[#offsets + 1] = ranks[i] - base
      if i <= seen_count then
        seen[#seen + 1] = ranks[i] - base
        seen[#seen + 1] = own_time
      end
    end
    redis.call('SADD', chunk_key(lane, base), unpack(offsets))
    call_many('HSET', seen_key(lane, base), seen)
    count = changed(lane, base, #offsets)
    from = from + #offsets
  end
end

local function remove(lane, rank)
  local base = chunk_of(lane, rank)
  if base and redis.call('SREM', chunk_key(lane, base), rank - base) == 1 then
    redis.call('HDEL', seen_key(lane, base), rank - base)
    redis.call('HINCRBY', room, 'stirred:' .. lane, 1)
    changed(lane, base, -1)
  end
end

-- Takes back the places and turns of ranks below one. How many there were.
local function clear_below(lane, below)
  local places = 0
  for _, base in ipairs(redis.call('ZRANGE', waiting_key(lane), 0, -1)) do
    if tonumber(base) >= below then break end
    local offsets = members(lane, base)
    if base + offsets[#offsets] < below then
      redis.call('HINCRBY', room, 'stirred:' .. lane, #offsets)
      changed(lane, base, -#offsets)
      places = places + #offsets
    else
      for _, offset in ipairs(offsets) do
        if base + offset < below then
          remove(lane, exact(base + offset))
          places = places + 1
        end
      end
    end
  end
  local function clear(key)
    local gone = {}
    for _, rank in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      if tonumber(rank) < below then gone[#gone + 1] = rank end
    end
    call_many('ZREM', key, gone)
    places = places + #gone
  end
  clear(passed_key(lane))
  clear(late_key(lane))
  for _, group in ipairs(redis.call('ZRANGE', turns_key(lane), 0, -1)) do
    local first, base = string.match(group, '(%d+):(%d+)')
    for _, offset in ipairs(redis.call('SMEMBERS', group_key(lane, first))) do
      if base + offset < below and take_turn(lane, exact(base + offset)) then places = places + 1 end
    end
  end
  return places
end

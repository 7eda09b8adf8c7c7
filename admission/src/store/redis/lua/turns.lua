-- Whose turn has come. Drains give turns in ascending order of rank, so those beyond the lane's cursor stand in groups
-- that lie one behind the other, each small enough that Redis keeps it as a sorted array of integers. Who came back
-- to a place behind the cursor stands alone.
--
--   :turns:<lane>          sorted set, the groups          member `<first>:<base>`, score first, the lowest rank
--   :turns:<lane>:<first>  set, the fans of a group        member rank - base
--   :lapsing:<lane>        sorted set, when groups lapse   member as in :turns:, score ms
--   :late:<lane>           sorted set, who stands alone    member rank, score ms until the turn lapses
--   :unclaimed:<lane>      sorted set, who did not take a turn   member rank, score own time until which they may return
--   turns:<lane>           in the room's hash: fans in groups

local function turns_key(lane) return room .. ':turns:' .. lane end
local function group_key(lane, first) return room .. ':turns:' .. lane .. ':' .. first end
local function lapsing_key(lane) return room .. ':lapsing:' .. lane end
local function late_key(lane) return room .. ':late:' .. lane end
local function unclaimed_key(lane) return room .. ':unclaimed:' .. lane end

-- The group that a rank would stand in, its first rank and its base; nil below all of them.
local function group_of(lane, rank)
  local group = redis.call('ZREVRANGEBYSCORE', turns_key(lane), rank, '-inf', 'LIMIT', 0, 1)[1]
  if not group then return nil end
  local first, base = string.match(group, '(%d+):(%d+)')
  return group, first, base
end

-- Until when the fan of a rank has their turn, ms as a string of digits; nil without one.
local function turn_until(lane, rank)
  local group, first, base = group_of(lane, rank)
  if group and redis.call('SISMEMBER', group_key(lane, first), rank - base) == 1 then
    return redis.call('ZSCORE', lapsing_key(lane), group)
  end
  return redis.call('ZSCORE', late_key(lane), rank) or nil
end

local function drop_group(lane, group)
  redis.call('ZREM', turns_key(lane), group)
  redis.call('ZREM', lapsing_key(lane), group)
end

-- Takes the turn of a rank; false when it had none.
local function take_turn(lane, rank)
  local group, first, base = group_of(lane, rank)
  if group and redis.call('SREM', group_key(lane, first), rank - base) == 1 then
    redis.call('HINCRBY', room, 'turns:' .. lane, -1)
    if redis.call('EXISTS', group_key(lane, first)) == 0 then drop_group(lane, group) end
    return true
  end
  return redis.call('ZREM', late_key(lane), rank) == 1
end

-- Gives turns to fans of one chunk, in ascending order: the offsets from `from` to `to`.
local function give_turns(lane, cursor, base, offsets, from, to, until_ms)
  local number_of_base = tonumber(base)
  local late = {}
  while from <= to and number_of_base + offsets[from] <= cursor do
    late[#late + 1] = until_ms
    late[#late + 1] = exact(number_of_base + offsets[from])
    from = from + 1
  end
  call_many('ZADD', late_key(lane), late)
  if from > to then return end
  local first = exact(number_of_base + offsets[from])
  local group = first .. ':' .. base
  redis.call('SADD', group_key(lane, first), unpack(offsets, from, to))
  redis.call('ZADD', turns_key(lane), first, group)
  redis.call('ZADD', lapsing_key(lane), until_ms, group)
  redis.call('HINCRBY', room, 'turns:' .. lane, to - from + 1)
end

-- Turns that nobody claimed in time: their fans are passed over. The right to return runs from the first turn that they
-- did not take: who stays and never claims is not offered turns for ever. How many there were.
local function lapse(lane, state)
  local window = number(state, 'return_window')
  local passed, count = {}, 0
  local function pass(rank)
    count = count + 1
    local may_return_until = tonumber(redis.call('ZSCORE', unclaimed_key(lane), rank) or own_time + window)
    if may_return_until > own_time then
      passed[#passed + 1] = may_return_until
      passed[#passed + 1] = rank
    else
      redis.call('ZREM', unclaimed_key(lane), rank)
    end
  end
  for _, group in ipairs(redis.call('ZRANGEBYSCORE', lapsing_key(lane), '-inf', now)) do
    local first, base = string.match(group, '(%d+):(%d+)')
    local offsets = redis.call('SMEMBERS', group_key(lane, first))
    for _, offset in ipairs(offsets) do pass(exact(base + offset)) end
    redis.call('DEL', group_key(lane, first))
    redis.call('HINCRBY', room, 'turns:' .. lane, -#offsets)
    drop_group(lane, group)
  end
  local late = redis.call('ZRANGEBYSCORE', late_key(lane), '-inf', now)
  for _, rank in ipairs(late) do pass(rank) end
  call_many('ZREM', late_key(lane), late)
  call_many('ZADD', passed_key(lane), passed)
  call_many('ZADD', unclaimed_key(lane), passed)
  redis.call('ZREMRANGEBYSCORE', passed_key(lane), '-inf', own_time)
  redis.call('ZREMRANGEBYSCORE', unclaimed_key(lane), '-inf', own_time - window - number(state, 'claim_window'))
  return count
end

local function count_turns(state)
  local turns = 0
  for _, lane in ipairs(known_lanes(state)) do
    turns = turns + (redis.call('HGET', room, 'turns:' .. lane) or 0) + redis.call('ZCARD', late_key(lane))
  end
  return turns
end

local function room_left(state)
  return math.max(0, number(state, 'max_active') - redis.call('ZCARD', ACTIVE) - count_turns(state))
end

-- Ends what has run out: sessions, turns that nobody claimed, rights to return.
local function expire(state)
  local over = redis.call('ZRANGEBYSCORE', ACTIVE, '-inf', now)
  call_many('ZREM', ACTIVE, over)
  call_many('HDEL', ADMITTED, over)
  add_ended(over)
  local lapsed = 0
  for _, lane in ipairs(known_lanes(state)) do
    lapsed = lapsed + lapse(lane, state)
  end
  if lapsed > 0 then
    redis.call('HINCRBY', room, 'lapsed_total', lapsed)
    state.lapsed_total = number(state, 'lapsed_total') + lapsed
    set_units(state, math.min(number(state, 'units') + lapsed * UNITS_PER_PERMIT, units_max(state)))
  end
  redis.call('ZREMRANGEBYSCORE', ENDED, '-inf', '(' .. exact((now - ENDED_MEMORY_MS) * 1000))
end

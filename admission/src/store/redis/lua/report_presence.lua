-- report_presence: takes in which fans are there and which just went, lets the passed who came back wait again,
-- lets sessions go on.
--
-- ARGV[2]     how many waiting tickets follow
-- ARGV[3]     how many tickets of fans who went follow them
-- ARGV[4..]   lane, rank for each ticket; then, for each session, ticket id, ms since the fan was admitted, ms it
--             is to live from now on
-- Reply       {indexes from 0 of tickets that do not wait, ids of sessions that have ended}
-- Cost        O(tickets · log waiting)

local state = load_state()
if not state then return unknown_room() end

local waiting_count, gone_count = tonumber(ARGV[2]), tonumber(ARGV[3])
local not_waiting, ended = {}, {}
local function ticket(index) return ARGV[4 + 2 * index], ARGV[5 + 2 * index] end

for index = waiting_count, waiting_count + gone_count - 1 do
  local lane, rank = ticket(index)
  local base = chunk_of(lane, rank)
  if base then redis.call('HDEL', seen_key(lane, base), rank - base) end
end

for index = 0, waiting_count - 1 do
  local lane, rank = ticket(index)
  if state['next:' .. lane] then
    if redis.call('ZREM', passed_key(lane), rank) == 1 then
      add(lane, rank)
    end
    if not see(lane, rank) and not turn_until(lane, rank) then
      not_waiting[#not_waiting + 1] = index
    end
  end
end

-- Lets a session go on; false when it is over.
local function slide(id, stayed, keep_for)
  if redis.call('ZSCORE', ENDED, id) then return false end
  local admitted_at = tonumber(redis.call('HGET', ADMITTED, id) or now - stayed)
  local until_ms = math.max(tonumber(redis.call('ZSCORE', ACTIVE, id) or '0'), now + keep_for)
  -- While a line is put together another edge may know of a later use than the first to report.
  until_ms = math.max(until_ms, number(state, 'hold_until'))
  until_ms = math.min(until_ms, admitted_at + number(state, 'session_max'))
  local voided_before = number(state, 'voided_before')
  -- Of a clock that went back behind it nothing can be told.
  local is_void = admitted_at <= voided_before and voided_before < now
  if until_ms <= now or is_void then
    redis.call('ZREM', ACTIVE, id)
    redis.call('HDEL', ADMITTED, id)
    add_ended({ id })
    return false
  end
  redis.call('HSETNX', ADMITTED, id, admitted_at)
  redis.call('ZADD', ACTIVE, until_ms, id)
  return true
end

for i = 4 + 2 * (waiting_count + gone_count), #ARGV, 3 do
  if not slide(ARGV[i], ARGV[i + 1], ARGV[i + 2]) then ended[#ended + 1] = ARGV[i] end
end
return { not_waiting, ended }

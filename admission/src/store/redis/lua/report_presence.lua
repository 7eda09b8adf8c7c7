-- report_presence: takes in which fans are there, lets the passed who came back wait again, lets sessions
-- slide.
--
-- ARGV[2]     how many waiting tickets follow
-- ARGV[3..]   lane, rank for each waiting ticket; then the ids of tickets with a session
-- Reply       {indexes from 0 of tickets that do not wait, ids of sessions that have ended}
-- Cost        O(tickets · log waiting)

local state = load_state()
if not state then return unknown_room() end

local waiting_count = tonumber(ARGV[2])
local not_waiting, ended = {}, {}
for index = 0, waiting_count - 1 do
  local lane, rank = ARGV[3 + 2 * index], ARGV[4 + 2 * index]
  if state['next:' .. lane] then
    if redis.call('ZREM', passed_key(lane), rank) == 1 then
      add(lane, rank)
    end
    if not see(lane, rank) and not redis.call('ZSCORE', turns_key(lane), rank) then
      not_waiting[#not_waiting + 1] = index
    end
  end
end

local until_ms = now + number(state, 'session')
for i = 3 + 2 * waiting_count, #ARGV do
  if redis.call('ZSCORE', ENDED, ARGV[i]) then
    ended[#ended + 1] = ARGV[i]
  else
    redis.call('ZADD', ACTIVE, until_ms, ARGV[i])
  end
end
return { not_waiting, ended }

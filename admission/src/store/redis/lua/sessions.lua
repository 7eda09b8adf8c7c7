-- sessions: the live sessions, a page at a time, those that end first first.
--
-- ARGV[2]     sessions that end before this, ms, have been told
-- ARGV[3]     and so many of those that end then
-- ARGV[4]     most sessions to tell
-- Reply       id, ms of its admission, ms of its end for each
-- Cost        O(sessions told + ARGV[3])

local state = load_state()
if not state then return unknown_room() end

-- Those that are over are not told, and not counted.
local from, told = ARGV[2], ARGV[3]
if tonumber(from) <= now then from, told = exact(now + 1), 0 end
local live = redis.call('ZRANGEBYSCORE', ACTIVE, from, '+inf', 'WITHSCORES', 'LIMIT', told, ARGV[4])

local answer = {}
for first = 1, #live, 2 * CHUNK do
  local ids = {}
  for i = first, math.min(first + 2 * CHUNK - 1, #live), 2 do ids[#ids + 1] = live[i] end
  for at, admitted_at in ipairs(redis.call('HMGET', ADMITTED, unpack(ids))) do
    answer[#answer + 1] = ids[at]
    answer[#answer + 1] = admitted_at or '0'
    answer[#answer + 1] = live[first + 2 * at - 1]
  end
end
return answer

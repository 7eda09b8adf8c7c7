-- claim: turns into sessions the turns that have come, and tells where all stand. Claiming again gives the
-- same session.
--
-- ARGV[2..]   lane, rank, id for each ticket
-- Reply       as look
-- Cost        O(tickets · log turns)

local state = load_state()
if not state then return unknown_room() end

expire(state)
local until_ms = now + number(state, 'session')
each_place(2, function(lane, rank, id)
  if redis.call('ZREM', turns_key(lane), rank) == 1 then redis.call('ZADD', ACTIVE, until_ms, id) end
end)
return standings(state, 2)

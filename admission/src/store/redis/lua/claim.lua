-- claim: turns into sessions the turns that have come, and tells where all stand. Claiming again gives the
-- same session.
--
-- ARGV[2..]   lane, rank, id for each ticket
-- Reply       as look
-- Cost        O(tickets · log turns)

local state = load_state()
if not state then return unknown_room() end

expire(state)
local admitted_at = admission_time(state)
local until_ms = admitted_at + number(state, 'session')
each_place(2, function(lane, rank, id)
  if take_turn(lane, rank) and not redis.call('ZSCORE', ENDED, id) then
    redis.call('ZADD', ACTIVE, until_ms, id)
    redis.call('HSET', ADMITTED, id, admitted_at)
  end
end)
return standings(state, 2)

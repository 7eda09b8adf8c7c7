-- leave: gives up places: in the line, turns and sessions.
--
-- ARGV[2..]   lane, rank, id for each ticket
-- Reply       0
-- Cost        O(tickets · log waiting)

local state = load_state()
if not state then return unknown_room() end

local ended = {}
each_place(2, function(lane, rank, id)
  remove(lane, rank)
  redis.call('ZREM', passed_key(lane), rank)
  take_turn(lane, rank)
  redis.call('ZREM', ACTIVE, id)
  redis.call('HDEL', ADMITTED, id)
  ended[#ended + 1] = id
end)
add_ended(ended)
return 0

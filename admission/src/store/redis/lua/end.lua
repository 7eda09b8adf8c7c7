-- end: ends sessions: the shop says that the fan is done, or an operator revokes them.
--
-- ARGV[2..]   ticket ids
-- Reply       0
-- Cost        O(tickets · log active)

local state = load_state()
if not state then return unknown_room() end

local ended = {}
for i = 2, #ARGV do
  redis.call('ZREM', ACTIVE, ARGV[i])
  redis.call('HDEL', ADMITTED, ARGV[i])
  ended[#ended + 1] = ARGV[i]
end
add_ended(ended)
return 0
